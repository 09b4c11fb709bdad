#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// What a Twilio error means for the message, its account and the queue. The classes are ours;
// Twilio publishes codes and descriptions only.
enum class ErrorClass {
  kPermanentRecipient,  // this number will not take it: stop, perhaps suppress the number
  kPermanentMessage,    // this text or request will not do: stop this message
  kPermanentConfig,     // the account, sender or permission is at fault: a person must correct it
  kTransient,           // may pass by itself
  kRateLimited,         // too much at once: the same, but slower
};

// One row of error_codes.csv. Title: Twilio's own. Reason: our word within the class.
struct TwilioError {
  int code;
  const char* title;
  ErrorClass error_class;
  const char* reason;
};

// The row of a code, or nullptr for one that the table does not know.
const TwilioError* find_twilio_error(int code) noexcept;

// Returns the title of a code written in digits; empty for one that the table does not know.
std::string title_of(std::string_view code);

// The class of any code, known or not. An unknown one is judged by the HTTP status it came with;
// http_status 0 stands for a status callback, where 30xxx (carrier and delivery trouble) is taken
// as transient and anything else as the message's own fault.
ErrorClass class_of(int code, int http_status) noexcept;

// Whether the code says that Twilio does not take the sender, for anybody or for this recipient: a
// number that is not the account's or cannot send texts, a name that is not allowed, a Messaging
// Service that does not exist or has nothing to send with.
bool blames_sender(int code) noexcept;

// Why the number should go on the suppression list: "opt_out", "invalid_number" or
// "carrier_violation", or nullptr where one such code is not reason enough. 30005 and 30006 are
// among the latter, for Twilio uses them for phones that are merely out of reach.
const char* suppression_reason(int code) noexcept;

}  // namespace coach_sms
