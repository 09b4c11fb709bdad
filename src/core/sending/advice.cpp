#include "core/sending/advice.hpp"

#include <algorithm>
#include <span>

#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {

namespace {

struct KnownAdvice {
  std::string_view word;
  Advice advice;
};

constexpr Advice kConsent{"none, unless the person consents again: then sms_opt_in()", false};
constexpr Advice kLookAtTwilio{"look for it in Twilio's log: it may have arrived", false};
constexpr Advice kLater{"send it again later", true};
constexpr Advice kServer{"tell the person who runs the server, who finds the error at Twilio",
                         true};

// By our own words.
constexpr KnownAdvice kByWord[] = {
    {"opted_out", kConsent},
    {"expired", {"see the reason for its wait: quiet hours, a limit, a pause", true}},
    {"connect_failed", {"check the server's network, proxy and CA file", true}},
    {"outcome_unknown", kLookAtTwilio},
};

// By the reason of Twilio's error, where the class alone says less.
constexpr KnownAdvice kByReason[] = {
    {"opt_out", kConsent},
    {"may_have_been_sent", kLookAtTwilio},
    {"expired", kLater},
    {"credentials", {"correct the account's token", true}},
    {"account", {"put the Twilio account in order", true}},
    {"trial", {"verify the number at Twilio, or upgrade the trial account", true}},
    {"geo_permission", {"allow the country in the settings of the Twilio account", true}},
    {"registration", {"register the sender with Twilio", true}},
    {"sender", {"correct the sender", true}},
    {"sender_route", {"choose a sender that reaches the number's country", true}},
    {"filtered", {"change the text, which the carrier took for spam", false}},
};

const Advice* find(std::span<const KnownAdvice> known, std::string_view word) {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const KnownAdvice& each) { return each.word == word; });
  return found == known.end() ? nullptr : &found->advice;
}

Advice advice_by_class(int code) {
  switch (class_of(code, 0)) {
    case ErrorClass::kPermanentRecipient:
      if (suppression_reason(code) != nullptr)
        return {"correct the client's number, which is suppressed now", false};
      return {"check the client's number: it may be a landline, or out of reach", true};
    case ErrorClass::kPermanentMessage:
      return {"change the text or the number", false};
    case ErrorClass::kPermanentConfig:
      return kServer;
    case ErrorClass::kTransient:
    case ErrorClass::kRateLimited:
      break;
  }
  return kLater;
}

}  // namespace

Advice advice_on(std::string_view error_code) noexcept {
  if (const Advice* known = find(kByWord, error_code)) return *known;
  if (error_code.starts_with("http_")) return {kServer.cure, false};
  const int code = error_number(error_code);
  const TwilioError* error = find_twilio_error(code);
  const Advice* known = error == nullptr ? nullptr : find(kByReason, error->reason);
  if (known != nullptr) return *known;
  return code > 0 ? advice_by_class(code) : kLater;
}

}  // namespace coach_sms
