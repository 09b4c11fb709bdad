#pragma once

// What every target does: whatever the input, code that takes a stranger's words returns or throws
// our Error; anything else ends the process, as does what the sanitizers find.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

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

// The targets by name, where they are linked together to go through the corpus (test/unit).
using FuzzTarget = int (*)(const std::uint8_t* data, std::size_t size);
inline std::map<std::string, FuzzTarget>& fuzz_targets() {
  static std::map<std::string, FuzzTarget> targets;
  return targets;
}

}  // namespace coach_sms

#ifdef COACH_SMS_REPLAY
#define FUZZ_TARGET(name)                                                   \
  static int name##_one(const std::uint8_t* data, std::size_t size);        \
  static const auto name##_is_there =                                       \
      coach_sms::fuzz_targets().insert_or_assign(#name, name##_one).second; \
  static int name##_one(const std::uint8_t* data, std::size_t size)
#else
#define FUZZ_TARGET(name) \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
#endif
