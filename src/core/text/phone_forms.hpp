#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coach_sms {

// Returns the forms of a number in E.164 form that reach the same person, itself first: Mexico's
// and Argentina's mobile numbers with and without the digit that callers from abroad once dialled
// or still dial, Brazil's and Benin's with and without the digits that a change of the numbering
// plan added. All forms of a number end with the same eight digits. What is no such number has one
// form, itself.
std::vector<std::string> phone_forms(std::string_view e164);

// Returns the shortest of them: the same for each form.
std::string phone_key(std::string_view e164);

}  // namespace coach_sms
