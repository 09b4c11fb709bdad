#include "core/sending/endings.hpp"

#include <algorithm>
#include <iterator>

#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {

namespace {

std::string_view word_for(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kPermanentRecipient:
      return "recipient";
    case ErrorClass::kPermanentMessage:
      return "message";
    case ErrorClass::kPermanentConfig:
      return "configuration";
    case ErrorClass::kRateLimited:
      return "rate_limited";
    case ErrorClass::kTransient:
      break;
  }
  return "transient";
}

// Returns the class of a failed message's error: Twilio's number, or a word of ours. After the
// words that say nothing of the cause the carrier or the network is at fault.
std::string_view class_of_failure(std::string_view error_code) {
  if (error_code == "outcome_unknown") return error_code;
  if (error_code.starts_with("http_")) return "message";
  const int code = error_number(error_code);
  return code > 0 ? word_for(class_of(code, 0)) : "transient";
}

int find(std::string_view status, std::string_view error_class) {
  const auto* found =
      std::find_if(std::begin(kEndings), std::end(kEndings), [&](const MessageEnding& ending) {
        return ending.status == status && ending.error_class == error_class;
      });
  return found == std::end(kEndings) ? -1 : static_cast<int>(found - kEndings);
}

}  // namespace

int ending_of(std::string_view status, std::string_view error_code) noexcept {
  if (status == "delivered") return find(status, "");
  if (status == "failed") return find(status, class_of_failure(error_code));
  if (status != "cancelled") return -1;
  const int known = find(status, error_code);
  return known >= 0 ? known : find(status, "other");
}

}  // namespace coach_sms
