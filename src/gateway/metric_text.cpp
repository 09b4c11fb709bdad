#include "gateway/metric_text.hpp"

#include <charconv>

namespace coach_sms {

namespace {

// Escapes a help text, or with `quotes` a label's value.
std::string escaped(std::string_view text, bool quotes) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) result += '\\';
    result += c;
  }
  return result;
}

std::string digits(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

}  // namespace

void MetricText::begin(std::string_view family, std::string_view type, std::string_view help) {
  if (family == family_) return;
  family_ = family;
  text_ += "# HELP " + family_ + ' ' + escaped(help, false) + '\n';
  text_ += "# TYPE " + family_ + ' ' + std::string(type) + '\n';
}

void MetricText::add(std::string_view name, const MetricLabels& labels, std::string_view value) {
  text_ += name;
  const char* before = "{";
  for (const auto& [label, label_value] : labels) {
    text_ += before + label + "=\"" + escaped(label_value, true) + '"';
    before = ",";
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void MetricText::add_one(std::string_view family, std::string_view type, std::string_view help,
                         double value) {
  begin(family, type, help);
  add(family, {}, digits(value));
}

}  // namespace coach_sms
