#pragma once

#include <cstdint>
#include <vector>

#include "core/base/moments.hpp"

namespace coach_sms {

// A zone's offset in seconds east of UTC, in force from that moment until the next span's. A zone
// is a vector of spans in order. The first span also covers the time before it.
struct ZoneSpan {
  std::int64_t from = 0;
  int offset_s = 0;
};

// Hours of the wall clock, 0 to 23: from `start` up to but without `end`, over midnight where start
// is later than end. Equal hours: no quiet hours.
//
// A moment is quiet if the wall clock then shows an hour within the window. This is also the rule
// for daylight saving time. Where clocks go forward, one hour is left out. A window that would end
// within that hour ends after it, and a window wholly within it does not happen that day. Where
// clocks go back, one hour comes twice, and both times follow the wall clock.
//
// In the functions below, times are moments (moments.hpp).
struct QuietHours {
  int start = 0;
  int end = 0;
};

// Returns whether the moment `at` is quiet.
bool is_quiet(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// Returns the first moment from `at` on that is not quiet.
std::int64_t opens_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// Returns the first moment after `at` that is quiet; kNever without quiet hours.
std::int64_t closes_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// Returns since when it has not been quiet, for a moment that is not; kAlways where that is more
// than two days ago.
std::int64_t opened_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

}  // namespace coach_sms
