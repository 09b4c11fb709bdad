#include "core/base/utf8.hpp"

#include <unicode/utf8.h>

#include "core/base/error.hpp"

namespace coach_sms {
namespace {

constexpr int kExcerptCharacters = 40;

bool is_control(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // in the macro of ICU

char32_t decode_utf8(std::string_view text, std::size_t& at) noexcept {
  const std::size_t start = at;
  UChar32 code_point = 0;
  U8_NEXT(text.data(), at, text.size(), code_point);
  if (code_point >= 0) return static_cast<char32_t>(code_point);
  at = start + 1;  // U8_NEXT may have skipped several bytes
  return kNotUtf8;
}

#pragma GCC diagnostic pop

void raise_not_utf8(std::size_t at) {
  throw Error(ErrorKind::kInvalidText, "text is not UTF-8 at byte " + std::to_string(at + 1), {},
              "Convert the text to UTF-8 first.");
}

void check_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    next_code_point(text, at);
}

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code_point = decode_utf8(text, at);
    const bool is_bad = code_point == 0 || code_point == kNotUtf8;
    const std::string_view character = is_bad ? kReplacement : text.substr(start, at - start);
    if (clean.size() + character.size() > max_bytes) break;
    clean += character;
  }
  return clean;
}

std::string excerpt(std::string_view text) {
  std::string quoted = "\"";
  std::size_t at = 0;
  for (int shown = 0; at < text.size() && shown < kExcerptCharacters; ++shown) {
    const std::size_t start = at;
    const char32_t code_point = decode_utf8(text, at);
    if (code_point == kNotUtf8 || is_control(code_point)) {
      quoted += '?';
    } else {
      quoted += text.substr(start, at - start);
    }
  }
  quoted += at < text.size() ? "...\"" : "\"";
  return quoted;
}

}  // namespace coach_sms
