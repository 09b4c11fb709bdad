#pragma once

// What every target does: whatever the input, code that takes a stranger's words returns or throws
// our Error; anything else ends the process, as does what the sanitizers find.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"

namespace coach_sms {

// Something that must hold of every input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

template <typename Work>
int fuzz_one(const std::uint8_t* data, std::size_t size, Work work) {
  try {
    work(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error& error) {
    // A defect in a library's use is no answer to a stranger.
    require(error.kind() != ErrorKind::kInternal && !error.message().empty());
  }
  return 0;
}

}  // namespace coach_sms
