#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// The meaning of a Twilio error for the message, its account and the queue. The classes are ours;
// Twilio publishes codes and descriptions only.
enum class ErrorClass {
  kPermanentRecipient,  // the number takes no message: stop, perhaps suppress it
  kPermanentMessage,    // Twilio refuses the text or request: stop this message
  kPermanentConfig,     // the account, sender or permission is at fault: a person must correct it
  kTransient,           // may pass by itself
  kRateLimited,         // too much at once: may pass by itself, if we slow down
};

// One row of error_codes.csv. The title is Twilio's own; the reason is our word within the class.
struct TwilioError {
  int code;
  const char* title;
  ErrorClass error_class;
  const char* reason;
};

// Returns the row of a code; nullptr for a code that the table lacks.
const TwilioError* find_twilio_error(int code) noexcept;

// Returns the number of a code written in digits; 0 for any other text.
int error_number(std::string_view code) noexcept;

// Returns the title of a code written in digits; empty for a code that the table lacks.
std::string title_of(std::string_view code);

// Returns the class of any code. A code that the table lacks is judged by the HTTP status it came
// with. http_status 0 stands for a status callback: 30xxx (carrier and delivery trouble) is then
// transient, and any other code is the message's own fault.
ErrorClass class_of(int code, int http_status) noexcept;

// Returns whether the code means that Twilio refuses the sender, for all recipients or for this
// one. Such a sender is a number of another account or without SMS, or a name that is not allowed.
// It may also be a Messaging Service that does not exist or has no sender.
bool blames_sender(int code) noexcept;

// Returns the reason to suppress the number: "opt_out", "invalid_number" or "carrier_violation".
// Returns nullptr where one such code is not reason enough: Twilio also uses 30005 and 30006 for
// phones that are merely out of reach.
const char* suppression_reason(int code) noexcept;

}  // namespace coach_sms
