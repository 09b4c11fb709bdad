#pragma once

// What every target does: whatever the input, code that takes a stranger's words returns or throws
// our Error; anything else ends the process, as does what the sanitizers find.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"

namespace coach_sms {

// Something that must hold of every input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

// The first line, which is taken off; the rest is what follows it.
inline std::string_view take_line(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(text->size(), line.size() + 1));
  return line;
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
