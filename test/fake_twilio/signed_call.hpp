#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake_twilio {

// The number that a Messaging Service picks here.
constexpr std::string_view kPoolNumber = "+15005550006";

// A webhook call as it goes over the wire: a form and its X-Twilio-Signature.
struct SignedCall {
  std::string url;
  std::string body;
  std::string signature;
};

// `fields` stand in the order of their names, as the signature wants them. Twilio's fragment
// (#ct=2000&rc=3) is for itself: neither sent nor signed.
SignedCall sign_call(std::string_view token, std::string_view url,
                     const std::vector<std::pair<std::string_view, std::string_view>>& fields);

}  // namespace fake_twilio
