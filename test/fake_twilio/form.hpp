#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace fake_twilio {

// Named values in the order in which they came: the fields of a form, or the arguments of a query.
struct Form {
  std::vector<std::pair<std::string, std::string>> fields;

  // Adds the fields of application/x-www-form-urlencoded text.
  void parse(std::string_view text) {
    while (!text.empty()) {
      const std::string_view field = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(field.size() + 1, text.size()));
      if (field.empty()) continue;
      const std::size_t equals = std::min(field.find('='), field.size());
      const std::string_view value = field.substr(std::min(equals + 1, field.size()));
      fields.emplace_back(form_decoded(field.substr(0, equals)), form_decoded(value));
    }
  }

  // Returns the first value of that name.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& field : fields) {
      if (field.first == name) return field.second;
    }
    return {};
  }
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
};

}  // namespace fake_twilio
