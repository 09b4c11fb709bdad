#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coach_sms {

// Returns the URLs by which Twilio may have called us, likeliest first, each only once and without
// fragment. `received` is the URL as it reached us, or only its path and query. A proxy or gateway
// on the way may have changed scheme, host, port or path, but leaves the query alone. So besides
// the URL as received, these are possible if public_url (no query in it) is not empty:
//
//   the origin of public_url with path and query as received;
//   public_url with the query as received.
//
// validate_signature() finds out which of them was signed.
std::vector<std::string> possibly_called_urls(std::string_view received,
                                              std::string_view public_url);

}  // namespace coach_sms
