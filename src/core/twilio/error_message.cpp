#include "core/twilio/error_message.hpp"

#include <algorithm>

#include "core/base/ascii.hpp"
#include "core/base/utf8.hpp"
#include "core/twilio/twilio_sid.hpp"

namespace coach_sms {
namespace {

bool is_control(char c) {
  return is_c0_control(c) || c == '\x7F';
}

std::string redact_credentials(std::string_view text) {
  constexpr std::size_t kShortestCredential = 32;
  std::string redacted;
  for (std::size_t at = 0; at < text.size();) {
    const auto* begin = text.begin() + at;
    const auto* end = std::find_if_not(begin, text.end(), is_alphanumeric);
    const auto length = static_cast<std::size_t>(end - begin);
    const std::string_view run = text.substr(at, std::max<std::size_t>(length, 1));
    const bool hide = run.size() >= kShortestCredential && !is_sid(run);
    redacted += hide ? std::string_view("[redacted]") : run;
    at += run.size();
  }
  return redacted;
}

}  // namespace

std::string clean_error_message(std::string_view text) {
  // A credential may begin before the cut and end after it, so credentials are hidden before the
  // cut. Neither step reads text far beyond the cut.
  constexpr std::size_t kLookedAt = 16 * kMaxErrorMessageBytes;
  std::string line = redact_credentials(text.substr(0, kLookedAt));
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return clean_text(line, kMaxErrorMessageBytes);
}

}  // namespace coach_sms
