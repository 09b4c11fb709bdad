#include "core/text/blanks.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <cstddef>

#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

// Returns whether the character is white space of any script, a control or a format character.
// Editors, word processors and Windows put such characters around text.
bool is_blank(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  const auto type = u_charType(c);
  return u_isUWhiteSpace(c) || type == U_FORMAT_CHAR || type == U_CONTROL_CHAR;
}

}  // namespace

std::string_view trim_blanks(std::string_view text) noexcept {
  std::size_t begin = text.size();
  std::size_t end = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_blank(decode_utf8(text, at))) continue;
    begin = std::min(begin, start);
    end = at;
  }
  return text.substr(begin, end - begin);
}

}  // namespace coach_sms
