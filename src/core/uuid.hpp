#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace coach_sms {

// 16 bytes in the order of the text form, as PostgreSQL's pg_uuid_t has them.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
};

// The text form of RFC 9562, in lower case.
inline std::string to_text(const Uuid& id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[id.bytes[i] >> 4];
    text += kDigits[id.bytes[i] & 0x0F];
  }
  return text;
}

}  // namespace coach_sms
