#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the text with spaces in place of control characters.
std::string printable(std::string text);

// Writes one line to standard error. Control characters become spaces. The caller gives no number,
// text or token of a person.
void log_line(std::string_view line) noexcept;

}  // namespace coach_sms
