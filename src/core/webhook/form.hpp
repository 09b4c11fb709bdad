#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coach_sms {

// A body of type application/x-www-form-urlencoded (WHATWG URL standard, section 5), decoded, in
// order of arrival. Nothing is trimmed or dropped: Twilio's signature covers every name and value.
using FormParams = std::vector<std::pair<std::string, std::string>>;

// A callback of Twilio has some 25 parameters and, with a text of 1,600 characters, 20 kB at most.
struct FormLimits {
  std::size_t max_bytes = 65536;
  std::size_t max_params = 1000;
};

// A percent sign without two hex digits stands for itself. Throws kInvalidArgument above a limit.
FormParams parse_form(std::string_view body, const FormLimits& limits = {});

// The value of the first parameter of that name, or nullptr. Valid as long as the params.
const std::string* find(const FormParams& params, std::string_view name);

// The parameters as a JSON object of strings; a name that repeats holds an array. Unclean text is
// cleaned first, so that jsonb takes it.
std::string form_to_json(const FormParams& params);

}  // namespace coach_sms
