#pragma once

#include <string_view>

namespace coach_sms {

// Writes one line to standard error. Control characters become spaces. The caller gives no number,
// text or token of a person.
void log_line(std::string_view line) noexcept;

}  // namespace coach_sms
