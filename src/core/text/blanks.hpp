#pragma once

#include <string_view>

namespace coach_sms {

// The text without the blanks and invisible characters at its two ends, of whatever script: what
// comes along where somebody copies a SID or a token from a page, a mail or a file.
std::string_view trim_blanks(std::string_view text) noexcept;

}  // namespace coach_sms
