#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// What decode_utf8 returns for bytes that are not UTF-8. No code point: those end at 0x10FFFF.
inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

// Stands where a text had bytes that are not UTF-8: U+FFFD.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The code point at byte `at`, which must be inside the text; moves `at` behind it. Gives kNotUtf8
// and moves by one byte where RFC 3629 is broken: overlong, surrogate, too high, cut short.
char32_t decode_utf8(std::string_view text, std::size_t& at) noexcept;

// Raises kInvalidText for byte `at`, counted from 0.
[[noreturn]] void raise_not_utf8(std::size_t at);

// The same for text that should be UTF-8: raises kInvalidText instead.
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

// Raises kInvalidText unless the whole text is UTF-8.
void check_utf8(std::string_view text);

// The text as PostgreSQL's text can hold it: kReplacement in place of NUL and of each byte that is
// not UTF-8, and cut between two characters where it is over max_bytes.
std::string clean_text(std::string_view text, std::size_t max_bytes = std::string_view::npos);

// The text in double quotes, fit for an error message: at most 40 characters, always UTF-8, control
// characters shown as '?', and "..." where something was left out.
std::string excerpt(std::string_view text);

}  // namespace coach_sms
