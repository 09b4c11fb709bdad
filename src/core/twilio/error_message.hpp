#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// The longest error message from outside that we keep, in bytes.
inline constexpr std::size_t kMaxErrorMessageBytes = 500;

// Returns an error of Twilio's or libcurl's as one line: clean_text() at kMaxErrorMessageBytes,
// with blanks for control characters. "[redacted]" replaces anything that could be a credential: a
// run of 32 or more letters and digits. A SID (two capitals and 32 hex digits) stays. This covers
// auth tokens, API key secrets and a Basic authorisation that a proxy echoes.
std::string clean_error_message(std::string_view text);

}  // namespace coach_sms
