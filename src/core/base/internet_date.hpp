#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coach_sms {

// Dates as the internet writes them, to seconds since 1970-01-01 00:00 UTC; nullopt for anything
// that is no such date. A leap second counts as the second after it. curl_getdate() would take a
// date without its zone, in any order and with other text behind it: such a guess could count a
// message as absent from Twilio's list, and send it twice.

// RFC 5322 section 3.3 (which replaced RFC 2822), as in Twilio's date_created:
// "Thu, 24 Aug 2023 05:01:45 +0000". The weekday may be missing and is not compared with the day;
// the zone is +hhmm, -hhmm, GMT, UTC, UT or Z; comments are not taken.
std::optional<std::int64_t> parse_rfc5322_date(std::string_view text);

// The three forms of RFC 9110 section 5.6.7, all of which a recipient must take:
// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
// A year of two digits is one of 1969 to 2068.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace coach_sms
