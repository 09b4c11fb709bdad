#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// decode_utf8() returns this for bytes that are not UTF-8. It is no code point: those end at
// 0x10FFFF.
inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

// U+FFFD, which replaces bytes that are not UTF-8.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Returns the code point at byte `at`, which must be inside the text, and moves `at` behind it.
// Where the text breaks RFC 3629, returns kNotUtf8 and moves `at` by one byte. RFC 3629 excludes an
// overlong form, a surrogate, a code point too high, and a sequence cut short.
char32_t decode_utf8(std::string_view text, std::size_t& at) noexcept;

// Throws kInvalidText for byte `at`, counted from 0.
[[noreturn]] void raise_not_utf8(std::size_t at);

// Returns the code point as decode_utf8() does, but throws kInvalidText for bytes that are not
// UTF-8.
inline char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) {
    ++at;
    return byte;
  }
  const std::size_t start = at;
  const char32_t code_point = decode_utf8(text, at);
  if (code_point == kNotUtf8) raise_not_utf8(start);
  return code_point;
}

// Throws kInvalidText unless the whole text is UTF-8.
void check_utf8(std::string_view text);

// Returns the text in a form that PostgreSQL's type text can hold. kReplacement replaces NUL and
// each byte that is not UTF-8. A result above max_bytes is cut between two characters.
std::string clean_text(std::string_view text, std::size_t max_bytes = std::string_view::npos);

// Returns the text in double quotes for an error message, always as UTF-8. It shows at most 40
// characters. '?' stands for a control character or a byte that is not UTF-8, "..." for the rest of
// a longer text.
std::string excerpt(std::string_view text);

}  // namespace coach_sms
