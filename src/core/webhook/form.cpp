#include "core/webhook/form.hpp"

#include <algorithm>
#include <map>

#include "core/base/encoding.hpp"
#include "core/base/error.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

[[noreturn]] void throw_over_limit(std::string_view what, std::size_t limit) {
  throw Error(ErrorKind::kInvalidArgument, "form has too many " + std::string(what),
              "The limit is " + std::to_string(limit) + " " + std::string(what) + ".",
              "Hand on the body of Twilio's request as it came.");
}

std::string decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit_value(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

void write_text(JsonWriter& writer, const std::string& text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_values(JsonWriter& writer, const std::vector<std::string>& values) {
  if (values.size() == 1) return write_text(writer, values.front());
  writer.StartArray();
  for (const std::string& value : values)
    write_text(writer, value);
  writer.EndArray();
}

}  // namespace

FormParams parse_form(std::string_view body, const FormLimits& limits) {
  if (body.size() > limits.max_bytes) throw_over_limit("bytes", limits.max_bytes);
  FormParams params;
  while (!body.empty()) {
    const std::string_view field = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(field.size() + 1, body.size()));
    if (field.empty()) continue;
    if (params.size() == limits.max_params) throw_over_limit("parameters", limits.max_params);
    const std::string_view name = field.substr(0, field.find('='));
    const std::string_view value = field.substr(std::min(name.size() + 1, field.size()));
    params.emplace_back(decode(name), decode(value));
  }
  return params;
}

const std::string* find(const FormParams& params, std::string_view name) {
  const auto found = std::find_if(params.begin(), params.end(),
                                  [name](const auto& param) { return param.first == name; });
  return found == params.end() ? nullptr : &found->second;
}

std::string form_to_json(const FormParams& params) {
  std::map<std::string, std::vector<std::string>> values_by_name;
  for (const auto& [name, value] : params) {
    values_by_name[clean_text(name)].push_back(clean_text(value));
  }
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  for (const auto& [name, values] : values_by_name) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    write_values(writer, values);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace coach_sms
