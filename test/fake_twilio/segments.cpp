#include <algorithm>
#include <cstddef>
#include <string_view>

#include "message.hpp"

namespace fake_twilio {

namespace {

// GSM 03.38: what ASCII and Latin letters of the basic table are, and the extension's two-septet
// characters. ASCII letters, digits and most signs are in; the backtick is not.
constexpr std::u32string_view kBasicBeyondAscii =
    U"\u00A3\u00A5\u00E8\u00E9\u00F9\u00EC\u00F2\u00C7\u00D8\u00F8\u00C5\u00E5\u0394\u03A6\u0393"
    U"\u039B\u03A9\u03A0\u03A8\u03A3\u0398\u039E\u00C6\u00E6\u00DF\u00C9\u00A4\u00A1\u00C4\u00D6"
    U"\u00D1\u00DC\u00A7\u00BF\u00E4\u00F6\u00F1\u00FC\u00E0";
constexpr std::u32string_view kExtension = U"\f^{}\\[~]|\u20AC";

// 0: not in GSM-7.
int septets_of(char32_t c) {
  if (kExtension.find(c) != std::u32string_view::npos) return 2;
  if (c >= 0x20 && c < 0x7F) return c == '`' ? 0 : 1;
  if (c == '\n' || c == '\r') return 1;
  return kBasicBeyondAscii.find(c) != std::u32string_view::npos ? 1 : 0;
}

int utf16_units_of(char32_t c) {
  return c > 0xFFFF ? 2 : 1;
}

// Takes the next character off valid UTF-8.
char32_t take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) {
    c = (c << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  text.remove_prefix(std::min(length, text.size()));
  return c;
}

// Packs characters into parts of `part` units; none is split over two parts. A message that fits
// into `single` units needs no header and is one part.
template <typename UnitsOf>
std::uint16_t pack(std::string_view body, int single, int part, UnitsOf units_of) {
  int total = 0;
  int parts = 1;
  int used = 0;
  while (!body.empty()) {
    const int units = units_of(take_character(body));
    total += units;
    if (used + units > part) {
      ++parts;
      used = 0;
    }
    used += units;
  }
  return static_cast<std::uint16_t>(total <= single ? 1 : parts);
}

}  // namespace

std::uint16_t count_segments(std::string_view body) {
  std::string_view rest = body;
  while (!rest.empty()) {
    if (septets_of(take_character(rest)) == 0) return pack(body, 70, 67, utf16_units_of);
  }
  return pack(body, 160, 153, septets_of);
}

}  // namespace fake_twilio
