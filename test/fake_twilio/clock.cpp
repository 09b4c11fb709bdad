#include "clock.hpp"

#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX clock_gettime

namespace fake_twilio {

namespace {

std::string formatted(Micros time, const char* format) {
  const time_t seconds = static_cast<time_t>(time / kSecond);
  struct tm fields = {};
  gmtime_r(&seconds, &fields);
  char text[64];
  return std::string(text, strftime(text, sizeof text, format, &fields));
}

std::optional<Micros> parsed(const std::string& text, const char* format) {
  struct tm fields = {};
  const char* end = strptime(text.c_str(), format, &fields);
  if (end == nullptr || *end != '\0') return {};
  return static_cast<Micros>(timegm(&fields)) * kSecond;
}

}  // namespace

Micros Clock::now() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<Micros>(time.tv_sec) * kSecond + time.tv_nsec / 1000;
}

void append_json_date(std::string& out, Micros time) {
  // Formatting costs as much as the rest of an answer, and a second has many answers.
  thread_local Micros cached_second = -1;
  thread_local std::string cached;
  if (time == 0) {
    out += "null";
    return;
  }
  if (time / kSecond != cached_second) {
    cached_second = time / kSecond;
    cached = formatted(time, "\"%a, %d %b %Y %H:%M:%S +0000\"");
  }
  out += cached;
}

std::optional<DateFilter> parse_date(std::string_view view) {
  const std::string text(view);
  if (const auto day = parsed(text, "%Y-%m-%d")) return DateFilter{*day, true};
  for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%a, %d %b %Y %H:%M:%S +0000"}) {
    if (const auto time = parsed(text, format)) return DateFilter{*time, false};
  }
  return {};
}

std::string http_date(Micros time) {
  return formatted(time, "%a, %d %b %Y %H:%M:%S GMT");
}

}  // namespace fake_twilio
