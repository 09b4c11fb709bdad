#include "core/base/internet_date.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <string>

namespace coach_sms {
namespace {

constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct CivilTime {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// Reads a text from left to right. Once something did not fit, nothing fits any more, so that a
// whole form can be read first and judged at its end.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  bool whole() const noexcept { return good_ && rest_.empty(); }

  void fail() noexcept {
    good_ = false;
    rest_ = {};
  }

  void literal(std::string_view expected) noexcept {
    if (rest_.substr(0, expected.size()) != expected) return fail();
    rest_.remove_prefix(expected.size());
  }

  void blanks() noexcept {
    const std::size_t count = std::min(rest_.find_first_not_of(' '), rest_.size());
    if (count == 0) return fail();
    rest_.remove_prefix(count);
  }

  int number(std::size_t min_digits, std::size_t max_digits) noexcept {
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (digits < min_digits || digits > max_digits) {
      fail();
      return 0;
    }
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + digits, value);
    rest_.remove_prefix(digits);
    return value;
  }

  int month() noexcept {
    const auto* found = std::find(std::begin(kMonths), std::end(kMonths), rest_.substr(0, 3));
    if (found == std::end(kMonths)) {
      fail();
      return 0;
    }
    rest_.remove_prefix(3);
    return static_cast<int>(found - std::begin(kMonths)) + 1;
  }

  std::string_view word() noexcept {
    const auto* end = std::find_if_not(rest_.begin(), rest_.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool next_is(char expected) const noexcept { return !rest_.empty() && rest_[0] == expected; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<std::int64_t> to_epoch(const CivilTime& time) noexcept {
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(time.year),
                                    chrono::month(static_cast<unsigned>(time.month)),
                                    chrono::day(static_cast<unsigned>(time.day))};
  if (!date.ok() || time.hour > 23 || time.minute > 59 || time.second > 60) return std::nullopt;
  const std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + time.hour) * 60 + time.minute) * 60 + time.second;
}

void read_clock(Reader& reader, CivilTime& time) noexcept {
  time.hour = reader.number(2, 2);
  reader.literal(":");
  time.minute = reader.number(2, 2);
  reader.literal(":");
  time.second = reader.number(2, 2);
}

// Seconds that the zone is ahead of UTC.
int read_zone(Reader& reader) noexcept {
  const bool east = reader.next_is('+');
  if (!east && !reader.next_is('-')) {
    const std::string_view name = reader.word();
    if (name != "GMT" && name != "UTC" && name != "UT" && name != "Z") reader.fail();
    return 0;
  }
  reader.literal(east ? "+" : "-");
  const int zone = reader.number(4, 4);
  if (zone / 100 > 23 || zone % 100 > 59) reader.fail();
  const int seconds = (zone / 100 * 60 + zone % 100) * 60;
  return east ? seconds : -seconds;
}

// RFC 9110: a two-digit year that would lie more than 50 years ahead is one of the past century.
int full_year(int two_digits, std::int64_t now_epoch_s) noexcept {
  namespace chrono = std::chrono;
  const chrono::sys_days today =
      chrono::floor<chrono::days>(chrono::sys_seconds(chrono::seconds(now_epoch_s)));
  const int this_year = static_cast<int>(chrono::year_month_day(today).year());
  const int year = this_year / 100 * 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

std::optional<std::int64_t> parse_rfc850_date(std::string_view text,
                                              std::int64_t now_epoch_s) noexcept {
  Reader reader(text);
  CivilTime time;
  reader.word();
  reader.literal(", ");
  time.day = reader.number(2, 2);
  reader.literal("-");
  time.month = reader.month();
  reader.literal("-");
  time.year = full_year(reader.number(2, 2), now_epoch_s);
  reader.literal(" ");
  read_clock(reader, time);
  reader.literal(" GMT");
  return reader.whole() ? to_epoch(time) : std::nullopt;
}

std::optional<std::int64_t> parse_asctime_date(std::string_view text) noexcept {
  Reader reader(text);
  CivilTime time;
  reader.word();
  reader.literal(" ");
  time.month = reader.month();
  reader.blanks();
  time.day = reader.number(1, 2);
  reader.literal(" ");
  read_clock(reader, time);
  reader.literal(" ");
  time.year = reader.number(4, 4);
  return reader.whole() ? to_epoch(time) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_rfc5322_date(std::string_view text) noexcept {
  Reader reader(text);
  CivilTime time;
  if (!reader.word().empty()) {
    reader.literal(",");
    reader.blanks();
  }
  time.day = reader.number(1, 2);
  reader.blanks();
  time.month = reader.month();
  reader.blanks();
  time.year = reader.number(4, 4);
  reader.blanks();
  read_clock(reader, time);
  reader.blanks();
  const int ahead_of_utc = read_zone(reader);
  if (!reader.whole()) return std::nullopt;
  const std::optional<std::int64_t> local = to_epoch(time);
  if (!local) return std::nullopt;
  return *local - ahead_of_utc;
}

std::optional<std::int64_t> parse_http_date(std::string_view text,
                                            std::int64_t now_epoch_s) noexcept {
  if (const auto date = parse_rfc5322_date(text)) return date;
  if (const auto date = parse_rfc850_date(text, now_epoch_s)) return date;
  return parse_asctime_date(text);
}

}  // namespace coach_sms
