#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// What our own query in a StatusCallback says about the message. It is signed, and it proves that
// Twilio took the message even where the answer to our request was lost.
struct CallbackTarget {
  std::string org_id;      // uuid text
  std::string message_id;  // uuid text
  int attempt = 0;         // 1 to kMaxCallbackAttempt
};

inline constexpr int kMaxCallbackAttempt = 9999;

// The public URL with ?org=…&message=…&attempt=… (after a query of its own, if it has one) and, for
// a URL without a fragment, #rc=5&rp=all: without these Twilio does not repeat a call that we
// answered with 5xx (Twilio docs, "Webhooks Connection Overrides").
std::string status_callback_url(std::string_view public_url, const CallbackTarget& target);

}  // namespace coach_sms
