#pragma once

#include <chrono>
#include <string>

namespace coach_sms {

// What one request to Twilio means for its message.
enum class Outcome {
  kAccepted,  // Twilio has it: there is a Message with a SID
  kRejected,  // for good
  kRetry,     // provably not taken: the same message may go again
  kUnknown,   // Twilio may or may not have it: never repeated before reconciling
};

// An outcome with all that is to be written down about it. Every text is valid UTF-8 without NUL
// and without credentials.
//
// error_code is Twilio's number as text or one of our words:
//   connect_failed   no byte left: DNS, connect, TLS, or the lease was over      -> retry
//   server_trouble   no byte left, and none can: this server lacks its CA bundle  -> retry, held
//   unanswered       bytes may have left and no status line came                 -> unknown
//   bad_answer       a 2xx without a readable message SID                        -> unknown
//   http_408, http_3xx, http_5xx (the status in full, as in http_502)            -> unknown
//   http_4xx         refused without Twilio saying which error (as in http_413)  -> by status
//   provider_failed  Twilio made a Message that failed and gave no error code    -> rejected
struct Settlement {
  Outcome outcome = Outcome::kUnknown;
  std::string provider_message_id;  // the SID; also set on a rejection that has one
  std::string provider_status;      // Twilio's word: queued, accepted, ...
  std::string error_code;           // empty where nothing went wrong
  std::string error_message;
  std::string price;                         // a decimal number, mostly negative; empty: not told
  std::string price_unit;                    // three capitals; empty: not told
  int segments = 0;                          // 0: not told
  std::chrono::milliseconds retry_after{0};  // the least to wait, as Twilio asks; 0: not told
  bool counts_as_attempt = true;    // false: the message is not to blame, max_attempts is not eaten
  bool account_trouble = false;     // every message of the account would fail: open its circuit
  bool server_trouble = false;      // and every account's: this server lacks something
  bool trouble_is_guessed = false;  // by the bare status: it may be the message's own after all
  bool blames_sender = false;       // by its code: the sender's fault, or this recipient's with it
  bool sender_trouble = false;      // every message of the sender would fail: it is held
  bool slow_down = false;           // too much at once: fewer requests in parallel
  const char* suppress_reason = nullptr;  // a reason of sms_suppression, static, or nullptr
};

}  // namespace coach_sms
