#pragma once

#include <string_view>

namespace coach_sms {

// Returns the text without the blanks and invisible characters of any script at its two ends, as a
// view. Such characters come along when somebody copies a SID or a token from a page, a mail or a
// file.
std::string_view trim_blanks(std::string_view text) noexcept;

}  // namespace coach_sms
