#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fake_twilio {

// Microseconds since 1970, UTC.
using Micros = std::int64_t;
constexpr Micros kSecond = 1'000'000;

// Two times of day: the machine's, in which arrivals are measured, and Twilio's, which a test may
// move so that lags and dates need no waiting.
class Clock {
 public:
  static Micros now();  // CLOCK_REALTIME
  Micros twilio_now() const { return now() + shift_.load(std::memory_order_relaxed); }
  void shift_to(Micros shift) { shift_.store(shift, std::memory_order_relaxed); }

 private:
  std::atomic<Micros> shift_{0};
};

// "Thu, 24 Aug 2023 05:01:45 +0000" with quotes, or null for 0.
void append_json_date(std::string& out, Micros time);

// A date in one of the forms that Twilio's filters take: 2026-11-22, 2026-11-22T10:00:00Z,
// Sun, 22 Nov 2026 10:00:00 +0000. `whole_day` is set for the first.
struct DateFilter {
  Micros time;
  bool whole_day;
};
std::optional<DateFilter> parse_date(std::string_view text);

// An HTTP date (RFC 9110, IMF-fixdate).
std::string http_date(Micros time);

}  // namespace fake_twilio
