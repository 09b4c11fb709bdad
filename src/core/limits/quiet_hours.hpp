#pragma once

#include <cstdint>
#include <vector>

#include "core/sending/lanes.hpp"

namespace coach_sms {

// A zone's offset (seconds east of UTC), in force from that moment (microseconds since 1970) until
// the next span's. A zone is a vector of them in order; the first also covers what comes before it.
struct ZoneSpan {
  std::int64_t from = 0;
  int offset_s = 0;
};

// Hours of the wall clock, 0 to 23: from `start` on, up to but without `end`, over midnight where
// start is later than end. Equal: none.
//
// The rule, daylight saving included: a moment is quiet when the clock on the wall then shows an
// hour within the window. So where clocks go forward, the hour that is left out never comes: a
// window that would end within it ends when it is over, and one that lies wholly within it does not
// happen that day. Where clocks go back, the hour that comes twice is judged by what the clock
// shows, both times.
struct QuietHours {
  int start = 0;
  int end = 0;
};

bool is_quiet(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// The first moment from `at` on that is not quiet.
std::int64_t opens_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// The first moment after `at` that is quiet; kNever without quiet hours.
std::int64_t closes_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

// For a moment that is not quiet: since when. kAlways where that is more than two days ago.
std::int64_t opened_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at);

}  // namespace coach_sms
