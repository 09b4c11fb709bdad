#include "core/base/internet_date.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <string>

namespace coach_sms {
namespace {

// Returns the seconds since 1970 if the whole text has one of these strptime() forms. strptime()
// alone also takes a 31st of every month, a year of one digit, a second 61 and a zone of 99 hours.
std::optional<std::int64_t> parse(std::string_view text, std::initializer_list<const char*> forms) {
  const std::string date(text);
  std::tm time{};
  const char* after_weekday = strptime(date.c_str(), "%a,", &time);
  const char* start = after_weekday != nullptr ? after_weekday : date.c_str();
  for (const char* form : forms) {
    time = {};
    if (strptime(start, form, &time) != date.c_str() + date.size()) continue;
    const auto day = std::chrono::year(time.tm_year + 1900) / (time.tm_mon + 1) / time.tm_mday;
    const std::int64_t ahead_of_utc = time.tm_gmtoff;
    if (!day.ok() || time.tm_year < 0 || time.tm_sec > 60) return std::nullopt;
    if (std::abs(ahead_of_utc) >= 24 * 60 * 60) return std::nullopt;
    return timegm(&time) - ahead_of_utc;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_rfc5322_date(std::string_view text) {
  return parse(text, {"%d %b %Y %T %z", "%d %b %Y %T GMT", "%d %b %Y %T UTC", "%d %b %Y %T UT"});
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (const auto date = parse_rfc5322_date(text)) return date;
  return parse(text, {"%d-%b-%y %T GMT", "%a %b %d %T %Y"});
}

}  // namespace coach_sms
