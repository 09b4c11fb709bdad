#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fake_twilio {

// Appends a JSON string with its quotes. Bytes other than controls, quote and backslash pass
// unchanged.
inline void append_json(std::string& out, std::string_view text) {
  constexpr const char* kHex = "0123456789abcdef";
  std::size_t copied = 0;
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, copied, i - copied) += '\\';
    copied = i;
    if (byte >= 0x20) continue;  // the sign itself follows
    out += {'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    copied = i + 1;
  }
  out.append(text, copied).append("\"");
}

// A JSON object; its members stand in the order in which they are added.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view json) {
    begin(name);
    out_.append(json);
    return *this;
  }
  JsonObject& number(std::string_view name, std::int64_t number) {
    return add(name, std::to_string(number));
  }
  JsonObject& text(std::string_view name, std::string_view text) {
    begin(name);
    append_json(out_, text);
    return *this;
  }
  JsonObject& text_or_null(std::string_view name, std::string_view value) {  // null: empty
    return value.empty() ? add(name, "null") : text(name, value);
  }
  std::string end() { return std::move(out_) + '}'; }

 private:
  void begin(std::string_view name) {
    if (out_.empty()) out_.reserve(1024);
    out_.append(out_.empty() ? "{\"" : ", \"").append(name).append("\": ");
  }

  std::string out_;
};

// A JSON array, one element a line.
class JsonArray {
 public:
  void add(std::string_view json) { out_.append(out_.empty() ? "[" : ",\n").append(json); }
  std::string end() { return out_.empty() ? "[]" : std::move(out_) + ']'; }

 private:
  std::string out_;
};

}  // namespace fake_twilio
