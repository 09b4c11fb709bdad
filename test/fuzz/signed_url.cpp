#include "core/webhook/signed_url.hpp"
#include "core/webhook/callback.hpp"
#include "core/webhook/public_url.hpp"
#include "core/webhook/signature.hpp"
#include "fuzz.hpp"

// The URL of a call, and the signature: three lines, the last of which is the body.
FUZZ_TARGET(signed_url) {
  return coach_sms::fuzz_one(data, size, [](std::string_view text) {
    using namespace coach_sms;
    const std::string_view url = take_line(&text);
    const std::string_view signature = take_line(&text);
    read_callback_target(url);
    for (const std::string& called : possibly_called_urls(url, "https://app.example/twilio")) {
      require(!validate_signature("a token that nobody knows", called, text, signature, ""));
      // What was signed is found again, where the URL is one.
      const std::string right = sign("token", called, parse_form(text));
      require(possibly_signed_urls(called).empty() ||
              validate_signature("token", called, text, right, ""));
    }
  });
}
