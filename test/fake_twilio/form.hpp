#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake_twilio {

// Named values in the order they came: a decoded form body, or the arguments of a query. Names
// and values are views; whoever fills the form keeps the text alive.
class Form {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  void clear() { fields_.clear(); }
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }

  // Decodes application/x-www-form-urlencoded text in place and adds its fields. A % that no two
  // hex digits follow stands for itself (WHATWG URL, percent-decode).
  void parse(std::string& text);

  // The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

}  // namespace fake_twilio
