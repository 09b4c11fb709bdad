#include "core/base/utf8.hpp"

#include "core/base/error.hpp"

namespace coach_sms {
namespace {

constexpr int kExcerptCharacters = 40;

// The smallest code point that needs so many bytes: anything below is an overlong form.
constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC0) return 0;  // a continuation byte leads nothing
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF8 ? 4 : 0;
}

bool is_scalar_value(char32_t code_point, std::size_t length) {
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  return code_point >= kSmallest[length] && code_point <= 0x10FFFF && !surrogate;
}

bool is_control(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

}  // namespace

char32_t decode_utf8(std::string_view text, std::size_t& at) noexcept {
  const std::size_t start = at++;
  const auto lead = static_cast<unsigned char>(text[start]);
  const std::size_t length = sequence_length(lead);
  if (length == 1) return lead;
  if (length == 0 || text.size() - start < length) return kNotUtf8;

  char32_t code_point = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[start + i]);
    if ((byte & 0xC0U) != 0x80U) return kNotUtf8;
    code_point = code_point << 6U | (byte & 0x3FU);
  }
  if (!is_scalar_value(code_point, length)) return kNotUtf8;
  at = start + length;
  return code_point;
}

void raise_not_utf8(std::size_t at) {
  throw Error(ErrorKind::kInvalidText, "text is not UTF-8 at byte " + std::to_string(at + 1), {},
              "Convert the text to UTF-8 first.");
}

void check_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    next_code_point(text, at);
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
