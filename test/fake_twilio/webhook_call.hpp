#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "message.hpp"

namespace fake_twilio {

// The number that a Messaging Service picks here.
constexpr std::string_view kPoolNumber = "+15005550006";

// A webhook call as it goes over the wire: a form and its X-Twilio-Signature.
struct WebhookCall {
  std::string url;
  std::string body;
  std::string signature;
};

// A text that somebody sends to one of the account's numbers.
struct InboundText {
  std::string account;
  std::string sid;
  std::string from;
  std::string to;
  std::string service;  // the Messaging Service that the number belongs to; empty: none
  std::string body;
  std::string opt_out_type;  // STOP, START, HELP where Advanced Opt-Out is on; empty: it is off
  std::string url;           // of the webhook that gets it
};

// Both are signed with the account's token. A status goes to the message's StatusCallback.
WebhookCall status_call(std::string_view token, const Message& message, Status status,
                        long error_code);
WebhookCall inbound_call(std::string_view token, const InboundText& text);

}  // namespace fake_twilio
