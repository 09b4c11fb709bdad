#include "core/twilio/twilio_response.hpp"
#include "fuzz.hpp"

// What Twilio, or who pretends to be it, answers: status on the first line, Retry-After on the
// second, then the body.
FUZZ_TARGET(twilio_response) {
  return coach_sms::fuzz_one(data, size, [](std::string_view text) {
    using namespace coach_sms;
    HttpResult result;
    result.progress = HttpProgress::kAnswered;
    for (const char c : take_line(&text).substr(0, 3))
      result.status = result.status * 10 + static_cast<unsigned char>(c) % 10;
    result.retry_after = take_line(&text);
    result.body = text;
    const Settlement settled = settle(result, 1'800'000'000);
    // Nothing but a whole answer of success says that it was taken.
    if (settled.outcome == Outcome::kAccepted)
      require(result.status / 100 == 2 && !settled.provider_message_id.empty());
    result.body_truncated = true;
    settle(result, 0);
  });
}
