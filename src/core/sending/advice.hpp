#pragma once

#include <string_view>

namespace coach_sms {

// The cure of a failure, for people.
struct Advice {
  const char* cure;  // an order, such as "correct the client's number"
  bool send_again;   // false: it would fail again, or may arrive twice
};

// Returns the cure for a message that ended with that error_code: Twilio's number, or a word of
// ours (doc/states-and-errors.md).
Advice advice_on(std::string_view error_code) noexcept;

}  // namespace coach_sms
