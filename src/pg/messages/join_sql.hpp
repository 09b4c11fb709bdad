#pragma once

#include <array>
#include <cstddef>

namespace coach_sms {

// Joins parts of SQL at compile time, for parts that several statements share. Pass the result's
// data() to a Statement, and keep the result static.
template <std::size_t... Sizes>
constexpr auto join_sql(const char (&... parts)[Sizes]) {
  std::array<char, (Sizes + ...) - sizeof...(Sizes) + 1> joined{};
  std::size_t at = 0;
  const auto add = [&](const char* part) {
    for (; *part != '\0'; ++part)
      joined[at++] = *part;
  };
  (add(parts), ...);
  return joined;
}

}  // namespace coach_sms
