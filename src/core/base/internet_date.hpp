#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coach_sms {

// These functions return the seconds since 1970-01-01 00:00 UTC, or nullopt for a text that is no
// such date. A leap second counts as the second after it.
//
// curl_getdate() is too lenient for us: it takes a date without its zone, in any order and with
// other text behind it. A date guessed so could count a message as absent from Twilio's list, and
// the sender would send it twice.

// Parses a date of RFC 5322 section 3.3 (which replaced RFC 2822), such as Twilio's date_created:
// "Thu, 24 Aug 2023 05:01:45 +0000". The weekday may be missing and is not compared with the day.
// The zone is GMT, UTC, UT, Z or a number, such as +hhmm or -hhmm. Comments are not taken.
std::optional<std::int64_t> parse_rfc5322_date(std::string_view text);

// Parses the three forms of RFC 9110 section 5.6.7, which every recipient must accept:
// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
// It also takes the other forms of parse_rfc5322_date(). A year of two digits is one of 1969 to
// 2068.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace coach_sms
