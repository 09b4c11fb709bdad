#pragma once

#include <chrono>
#include <string>

namespace coach_sms {

// The outcome of one request to Twilio for its message.
enum class Outcome {
  kAccepted,  // Twilio has it: there is a Message with a SID
  kRejected,  // refused for good
  kRetry,     // provably not taken: the same message may be sent again
  kUnknown,   // Twilio may or may not have it: never repeated before reconciling
};

// An outcome with everything that is recorded about it. Every text is valid UTF-8 without NUL and
// without credentials.
//
// error_code is Twilio's number as text or one of our words:
//   connect_failed   no byte left: DNS, connect, TLS, or the lease was over      -> retry
//   server_trouble   no byte left, and none can: this server lacks its CA bundle  -> retry, held
//   unanswered       bytes may have left and no status line came                 -> unknown
//   bad_answer       a 2xx without a readable message SID                        -> unknown
//   http_408, http_3xx, http_5xx (the status in full, as in http_502)            -> unknown
//   http_4xx         refused without an error code of Twilio's (as in http_413)  -> by status
//   provider_failed  Twilio made a Message that failed and gave no error code    -> rejected
struct Settlement {
  Outcome outcome = Outcome::kUnknown;
  std::string provider_message_id;  // the SID; also set on a rejection that has one
  std::string provider_status;      // Twilio's word: queued, accepted, ...
  std::string error_code;           // empty: no error
  std::string error_message;
  std::string price;                         // a decimal number, mostly negative; empty: not given
  std::string price_unit;                    // three capitals; empty: not given
  int segments = 0;                          // 0: not given
  std::chrono::milliseconds retry_after{0};  // the shortest wait that Twilio asks for; 0: none
  bool counts_as_attempt = true;             // false: it uses up none of max_attempts
  bool account_trouble = false;     // every message of the account would fail: open its circuit
  bool server_trouble = false;      // every account's would fail: this server lacks something
  bool trouble_is_guessed = false;  // from the bare status: it may be the message's own trouble
  bool blames_sender = false;   // by its code: the sender's fault, perhaps for this recipient only
  bool sender_trouble = false;  // every message of the sender would fail: it is held
  bool slow_down = false;       // too much at once: fewer requests in parallel
  const char* suppress_reason = nullptr;  // a reason of sms_suppression, static, or nullptr
};

}  // namespace coach_sms
