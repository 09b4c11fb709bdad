#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coach_sms {

// What Twilio may have signed when it called this URL, likeliest first and each only once (at most
// six). Its back ends do not agree on the port nor on the escapes of a query; the list and its
// order are those of Twilio's own library (npm twilio 6.2.0, lib/webhooks):
//
//   the URL as received without its port, and with its own or the default port;
//   both again in the form of the WHATWG URL standard (case, dot segments, escapes);
//   both of these again with the query parsed and written anew.
//
// Empty where it is no http or https URL, is longer than kMaxUrlSize or has a fragment, which no
// received URL has.
std::vector<std::string> possibly_signed_urls(std::string_view url);

}  // namespace coach_sms
