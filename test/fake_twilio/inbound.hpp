#pragma once

#include <string>

#include "signed_call.hpp"

namespace fake_twilio {

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

// With all the parameters that Twilio documents; geography is empty, as it often is.
SignedCall sign_inbound(const InboundText& text, std::string_view token);

}  // namespace fake_twilio
