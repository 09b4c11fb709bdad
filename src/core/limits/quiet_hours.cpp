#include "core/limits/quiet_hours.hpp"

#include <algorithm>
#include <iterator>

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3'600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;
// Within two days every window that happens at all has begun and ended, whatever the clocks do.
constexpr std::int64_t kFarthest = 2 * kDay;

std::int64_t modulo(std::int64_t value, std::int64_t by) {
  return ((value % by) + by) % by;
}

// Returns the span that is in force at that moment.
std::vector<ZoneSpan>::const_iterator span_at(const std::vector<ZoneSpan>& zone, std::int64_t at) {
  const auto next = std::upper_bound(
      zone.begin(), zone.end(), at,
      [](std::int64_t moment, const ZoneSpan& span) { return moment < span.from; });
  return next == zone.begin() ? next : std::prev(next);
}

std::int64_t wall_clock(const std::vector<ZoneSpan>& zone, std::int64_t at) {
  return at + span_at(zone, at)->offset_s * kSecond;
}

// Returns the next moment at which quiet hours may begin or end: the wall clock shows a full hour,
// or is set.
std::int64_t next_change(const std::vector<ZoneSpan>& zone, std::int64_t at) {
  const std::int64_t full_hour = at + kHour - modulo(wall_clock(zone, at), kHour);
  const auto next = std::next(span_at(zone, at));
  const bool is_set = next != zone.end() && next->from > at;
  return is_set ? std::min(full_hour, next->from) : full_hour;
}

// Returns the last such moment before `at`.
std::int64_t last_change(const std::vector<ZoneSpan>& zone, std::int64_t at) {
  const std::int64_t before = at - 1;
  const std::int64_t full_hour = before - modulo(wall_clock(zone, before), kHour);
  return std::max(full_hour, span_at(zone, before)->from);
}

// Returns the first moment from `at` on at which it is quiet, or not; kNever where kFarthest has
// none.
std::int64_t first(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at,
                   bool quiet) {
  for (std::int64_t moment = at; moment < at + kFarthest; moment = next_change(zone, moment))
    if (is_quiet(hours, zone, moment) == quiet) return moment;
  return kNever;
}

}  // namespace

bool is_quiet(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at) {
  if (hours.start == hours.end) return false;
  const auto hour = static_cast<int>(modulo(wall_clock(zone, at), kDay) / kHour);
  return hours.start < hours.end ? hour >= hours.start && hour < hours.end
                                 : hour >= hours.start || hour < hours.end;
}

std::int64_t opens_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone, std::int64_t at) {
  return first(hours, zone, at, false);
}

std::int64_t closes_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone,
                       std::int64_t at) {
  return hours.start == hours.end ? kNever : first(hours, zone, at + 1, true);
}

std::int64_t opened_at(const QuietHours& hours, const std::vector<ZoneSpan>& zone,
                       std::int64_t at) {
  if (hours.start == hours.end) return kAlways;
  for (std::int64_t since = at + 1; since > at - kFarthest;) {
    const std::int64_t change = last_change(zone, since);
    if (is_quiet(hours, zone, change - 1)) return change;
    since = change;
  }
  return kAlways;
}

}  // namespace coach_sms
