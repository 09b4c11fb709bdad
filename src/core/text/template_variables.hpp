#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace coach_sms {

// The values of a template's placeholders, by name: UTF-8 text without NUL.
class Variables {
 public:
  Variables() = default;

  // Parses a JSON object of plain values. Numbers stay as written (1.50 gives "1.50"), booleans
  // give "true" and "false", null counts as not given. Of a repeated name the last one counts, as
  // in jsonb. Throws kInvalidText for NUL, lone surrogates and bytes that are not UTF-8, and
  // kInvalidVariables for anything else.
  static Variables parse(std::string_view json);

  // Returns the value, valid as long as this object; nullptr where the name was not given.
  const std::string* find(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace coach_sms
