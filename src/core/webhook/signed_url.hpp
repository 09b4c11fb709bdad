#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coach_sms {

// Returns the URLs that Twilio may have signed when it called this one, likeliest first and each
// only once (at most six). Twilio's back ends differ in the port and in the escapes of a query. The
// list and its order are those of Twilio's own library (npm twilio 6.2.0, lib/webhooks):
//
//   the URL as received without its port, and with its own or the default port;
//   both again in the form of the WHATWG URL standard (case, dot segments, escapes);
//   both of these again with the query parsed and written anew.
//
// Returns none for a URL that is not http or https, is longer than kMaxUrlSize or has a control
// character. A fragment also gives none: no received URL has one. Throws kInvalidArgument where the
// query is longer than kMaxUrlSize once it is escaped.
std::vector<std::string> possibly_signed_urls(std::string_view url);

}  // namespace coach_sms
