#include "core/twilio/twilio_errors.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>

namespace coach_sms {
namespace {

using enum ErrorClass;

// The class words of error_codes.csv. The Makefile writes each line of the file as a row of the
// table.
constexpr ErrorClass permanent_recipient = kPermanentRecipient,
                     permanent_message = kPermanentMessage, permanent_config = kPermanentConfig,
                     transient = kTransient, rate_limited = kRateLimited;

constexpr TwilioError kErrors[] = {
#include "twilio_errors.inc"
};

constexpr bool by_code(const TwilioError& left, const TwilioError& right) {
  return left.code < right.code;
}
static_assert(std::is_sorted(std::begin(kErrors), std::end(kErrors), by_code),
              "find_twilio_error searches by halves");

ErrorClass class_of_http_status(int http_status) noexcept {
  switch (http_status) {
    case 401:
    case 403:
    case 404:
      return kPermanentConfig;
    case 408:
      return kTransient;
    case 429:
      return kRateLimited;
    default:
      return http_status >= 400 && http_status < 500 ? kPermanentMessage : kTransient;
  }
}

}  // namespace

const TwilioError* find_twilio_error(int code) noexcept {
  const auto* found =
      std::lower_bound(std::begin(kErrors), std::end(kErrors), code,
                       [](const TwilioError& error, int wanted) { return error.code < wanted; });
  return found != std::end(kErrors) && found->code == code ? found : nullptr;
}

int error_number(std::string_view code) noexcept {
  int number = 0;
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
  return error == std::errc() && end == code.data() + code.size() && number > 0 ? number : 0;
}

std::string title_of(std::string_view code) {
  const TwilioError* known = find_twilio_error(error_number(code));
  return known != nullptr ? known->title : std::string();
}

ErrorClass class_of(int code, int http_status) noexcept {
  if (const TwilioError* known = find_twilio_error(code)) return known->error_class;
  if (http_status != 0) return class_of_http_status(http_status);
  return code >= 30000 && code < 31000 ? kTransient : kPermanentMessage;
}

bool blames_sender(int code) noexcept {
  const TwilioError* known = find_twilio_error(code);
  if (!known || known->error_class != kPermanentConfig) return false;
  const std::string_view reason = known->reason;
  return reason == "sender" || reason == "sender_route";
}

const char* suppression_reason(int code) noexcept {
  constexpr int kUnknownHandset = 30005;
  constexpr int kLandlineOrUnreachable = 30006;
  if (code == kUnknownHandset || code == kLandlineOrUnreachable) return nullptr;
  const TwilioError* known = find_twilio_error(code);
  return known && known->error_class == kPermanentRecipient ? known->reason : nullptr;
}

}  // namespace coach_sms
