#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coach_sms {

// Returns the forms of a number in E.164 form that reach the same person, the number itself first.
// A mobile number of Mexico or Argentina has a form with a digit that callers from abroad dial or
// once dialled. A mobile number of Brazil, and any number of Benin, has a form with digits that a
// change of the numbering plan added. All forms of a number end with the same eight digits. Any
// other text has one form, itself.
std::vector<std::string> phone_forms(std::string_view e164);

// Returns the shortest of these forms, which is the same for each form of a number.
std::string phone_key(std::string_view e164);

}  // namespace coach_sms
