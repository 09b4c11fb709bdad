#pragma once

#include <cstdint>
#include <limits>

namespace coach_sms {

// Moments are microseconds since 2000-01-01 00:00 UTC, as in PostgreSQL's timestamptz, so they
// cross the boundary as they are. kNever is later than all of them, kAlways earlier: PostgreSQL's
// infinity and -infinity.
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::min();

// Returns the wall clock's time as a moment. It must not throw.
using WallClock = std::int64_t (*)();

// Returns the seconds since 1970 at a moment, as in Twilio's dates and those of HTTP.
constexpr std::int64_t unix_seconds(std::int64_t moment) {
  constexpr std::int64_t kSecondsTo2000 = 946'684'800;
  return moment / 1'000'000 + kSecondsTo2000;
}

}  // namespace coach_sms
