#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace coach_sms {

// The values that a template's placeholders stand for: UTF-8 text without NUL, by name.
class Variables {
 public:
  Variables() = default;

  // Takes a JSON object of plain values. Numbers stay as written (1.50 is "1.50"), booleans are
  // "true" and "false", null counts as not given; of a repeated name the last one counts, as in
  // jsonb. Raises kInvalidVariables for anything else and kInvalidText for NUL and lone surrogates.
  static Variables parse(std::string_view json);

  // NULL where the name was not given. Valid as long as this object.
  const std::string* find(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace coach_sms
