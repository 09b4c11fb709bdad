#include "gateway/sql_array.hpp"

#include <utility>

namespace coach_sms {

void SqlArray::add(std::string_view element) {
  if (text_.size() > 1) text_ += ',';
  text_ += '"';
  for (const char c : element) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

std::string SqlArray::take() {
  text_ += '}';
  return std::move(text_);
}

}  // namespace coach_sms
