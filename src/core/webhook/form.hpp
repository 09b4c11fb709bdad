#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coach_sms {

// The decoded parameters of a body of type application/x-www-form-urlencoded (WHATWG URL standard,
// section 5), in order of arrival. Nothing is trimmed or dropped, because Twilio's signature covers
// every name and value.
using FormParams = std::vector<std::pair<std::string, std::string>>;

// The most bytes of a call's body. A callback of Twilio has about 25 parameters. With a text of
// 1,600 characters it has 20 kB at most.
inline constexpr std::size_t kMaxFormSize = 65536;

struct FormLimits {
  std::size_t max_bytes = kMaxFormSize;
  std::size_t max_params = 1000;
};

// Returns the parameters of a body. A percent sign without two hex digits stands for itself. Throws
// kInvalidArgument above a limit.
FormParams parse_form(std::string_view body, const FormLimits& limits = {});

// Returns the value of the first parameter of that name, valid as long as `params`, or nullptr.
const std::string* find(const FormParams& params, std::string_view name);

// Returns the parameters as a JSON object of strings; a repeated name holds an array. clean_text()
// is applied first, so that jsonb takes every text.
std::string form_to_json(const FormParams& params);

}  // namespace coach_sms
