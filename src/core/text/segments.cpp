#include "core/text/segments.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

// kBasic is the default alphabet of GSM 03.38 (3GPP TS 23.038, section 6.2.1) without the escape
// character. kExtension and kEuro are the characters that an escape and a second septet give.
constexpr std::u32string_view kBasic =
    U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    U"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
constexpr std::u32string_view kExtension = U"\f^{}\\[~]|";
constexpr char32_t kEuro = U'€';
constexpr std::size_t kTableSize = 0x400;  // all code points but the euro sign's are below

// Returns the septets by code point; 0 where GSM-7 lacks the character.
constexpr std::array<std::uint8_t, kTableSize> make_septets() {
  std::array<std::uint8_t, kTableSize> septets{};
  for (const char32_t c : kBasic)
    septets[c] = 1;
  for (const char32_t c : kExtension)
    septets[c] = 2;
  return septets;
}
constexpr auto kSeptets = make_septets();
static_assert(kBasic.size() == 127);

int septets_of(char32_t code_point) {
  if (code_point < kTableSize) return kSeptets[code_point];
  return code_point == kEuro ? 2 : 0;
}

int utf16_units_of(char32_t code_point) {
  return code_point > 0xFFFF ? 2 : 1;
}

// Packs characters into segments, each character wholly into one.
class Packer {
 public:
  Packer(Encoding encoding, int single, int each)
      : encoding_(encoding), single_(single), each_(each) {}

  void add(int units) {
    units_ += units;
    used_ += units;
    if (used_ <= each_) return;
    ++segments_;
    used_ = units;
  }
  Segments result() const { return {encoding_, units_ <= single_ ? 1 : segments_, units_}; }

 private:
  Encoding encoding_;
  int single_;  // units in a segment that is alone
  int each_;    // units in one of several: a header of six octets takes the rest
  int units_ = 0;
  int segments_ = 1;
  int used_ = 0;
};

std::optional<Segments> count_gsm7(std::string_view text) {
  Packer packer(Encoding::kGsm7, 160, 153);
  for (std::size_t at = 0; at < text.size();) {
    const int septets = septets_of(next_code_point(text, at));
    if (septets == 0) return std::nullopt;
    packer.add(septets);
  }
  return packer.result();
}

Segments count_ucs2(std::string_view text) {
  Packer packer(Encoding::kUcs2, 70, 67);
  for (std::size_t at = 0; at < text.size();)
    packer.add(utf16_units_of(next_code_point(text, at)));
  return packer.result();
}

// Returns whether a reader sees nothing of the character: a blank of any width, or one that only
// steers other characters.
bool is_invisible(char32_t c) {
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
         (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF;
}

bool is_blank(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    if (!is_invisible(next_code_point(text, at))) return false;
  return true;
}

}  // namespace

const char* encoding_name(Encoding encoding) {
  return encoding == Encoding::kGsm7 ? "GSM-7" : "UCS-2";
}

Segments count_segments(std::string_view text) {
  if (const auto gsm7 = count_gsm7(text)) return *gsm7;
  return count_ucs2(text);
}

int utf16_units(std::string_view text) {
  int units = 0;
  for (std::size_t at = 0; at < text.size();)
    units += utf16_units_of(next_code_point(text, at));
  return units;
}

void check_body(std::string_view body) {
  const int units = utf16_units(body);
  if (body.find('\0') != std::string_view::npos)
    throw Error(ErrorKind::kInvalidText, "message body contains the character NUL",
                "Neither PostgreSQL nor an SMS can hold it.", "Remove it.");
  if (is_blank(body))
    throw Error(ErrorKind::kInvalidBody,
                body.empty() ? "message body is empty" : "message body is blank",
                "Twilio refuses a text without a visible character.",
                "Write a text with at least one visible character.");
  if (units > kMaxBodyUnits)
    throw Error(
        ErrorKind::kInvalidBody, "message body is " + std::to_string(units) + " characters long",
        "Twilio takes at most " + std::to_string(kMaxBodyUnits) +
            " UTF-16 units in a message; an emoji counts two.",
        "Shorten it to " + std::to_string(kMaxBodyUnits) + " characters or send several messages.");
}

}  // namespace coach_sms
