#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// The most that we keep of somebody else's error message, in bytes.
inline constexpr std::size_t kMaxErrorMessageBytes = 500;

// An error of Twilio's or libcurl's as one line: as clean_text at kMaxErrorMessageBytes, with
// blanks for control characters and "[redacted]" for anything that could be a credential: a run of
// 32 or more letters and digits that is not a SID (two capitals and 32 hex digits). That covers
// auth tokens, API key secrets and a Basic authorisation that a proxy echoes.
std::string clean_error_message(std::string_view text);

}  // namespace coach_sms
