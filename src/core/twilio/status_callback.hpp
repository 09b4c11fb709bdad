#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// The message that our own query in a StatusCallback names. The query is signed, and proves that
// Twilio took the message even if the answer to our request was lost.
struct CallbackTarget {
  std::string org_id;      // uuid text
  std::string message_id;  // uuid text
  int attempt = 0;         // 1 to kMaxCallbackAttempt
};

inline constexpr int kMaxCallbackAttempt = 9999;

// Returns the public URL with ?org=…&message=…&attempt=… behind its own query, if it has one. A URL
// without a fragment also gets #rc=5&rp=all (Twilio docs, "Webhooks Connection Overrides"). Without
// it Twilio does not repeat a call that we answered with 5xx.
std::string status_callback_url(std::string_view public_url, const CallbackTarget& target);

}  // namespace coach_sms
