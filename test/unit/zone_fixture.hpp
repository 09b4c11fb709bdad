#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "core/limits/quiet_hours.hpp"

namespace coach_sms::test {

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;

// The C library's own idea of a zone, for as long as one of these lives.
class SystemZone {
 public:
  explicit SystemZone(const std::string& name) {
    setenv("TZ", (":" + name).c_str(), 1);
    tzset();
  }
  ~SystemZone() {
    unsetenv("TZ");
    tzset();
  }
  SystemZone(const SystemZone&) = delete;
  SystemZone& operator=(const SystemZone&) = delete;

  std::tm wall_clock(std::int64_t at) const {
    const auto seconds = static_cast<std::time_t>(at / kSecond);
    std::tm time{};
    localtime_r(&seconds, &time);
    return time;
  }

  // By asking for every quarter of an hour, in which all zones of today change.
  std::vector<ZoneSpan> spans(std::int64_t from, std::int64_t until) const {
    std::vector<ZoneSpan> spans;
    for (std::int64_t at = from - from % (15 * kMinute); at < until; at += 15 * kMinute) {
      const auto offset = static_cast<int>(wall_clock(at).tm_gmtoff);
      if (spans.empty() || spans.back().offset_s != offset) spans.push_back({at, offset});
    }
    return spans;
  }
};

// The moment of a date and time in UTC.
inline std::int64_t utc(int year, int month, int day, int hour, int minute = 0) {
  std::tm time{};
  time.tm_year = year - 1900;
  time.tm_mon = month - 1;
  time.tm_mday = day;
  time.tm_hour = hour;
  time.tm_min = minute;
  return static_cast<std::int64_t>(timegm(&time)) * kSecond;
}

}  // namespace coach_sms::test
