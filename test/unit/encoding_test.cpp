#include "core/base/encoding.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace coach_sms {
namespace {

using namespace std::string_view_literals;

std::string every_byte() {
  std::string bytes;
  for (int value = 0; value < 256; ++value)
    bytes += static_cast<char>(value);
  return bytes;
}

TEST(Hex, WritesTwoSmallDigitsForEachByte) {
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(to_hex("\x00\x0f\xa5\xff"sv), "000fa5ff");
}

TEST(Hex, ReadsDigitsOfEitherCase) {
  EXPECT_EQ(from_hex("000fa5FF"), "\x00\x0f\xa5\xff"sv);
  EXPECT_EQ(from_hex(""), "");
  EXPECT_EQ(from_hex(to_hex(every_byte())), every_byte());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  constexpr std::string_view kRefused[] = {"0",  "000",   "0g", "g0",  " 00",
                                           "0x", "0\0"sv, "-1", "/:"sv};
  for (const std::string_view text : kRefused) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

struct Base64Pair {
  std::string_view bytes;
  std::string_view text;
};

// RFC 4648, section 10, and the two digits that differ from the URL-safe alphabet.
constexpr Base64Pair kBase64Pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

TEST(Base64, AgreesWithTheRfcBothWays) {
  for (const Base64Pair& pair : kBase64Pairs) {
    EXPECT_EQ(to_base64(pair.bytes), pair.text);
    EXPECT_EQ(from_base64(pair.text), pair.bytes) << pair.text;
  }
}

TEST(Base64, BringsBackRandomBytesOfEveryLength) {
  std::mt19937 random(4648);
  for (std::size_t size = 0; size <= 100; ++size) {
    std::string bytes;
    while (bytes.size() < size)
      bytes += static_cast<char>(random());
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
  EXPECT_EQ(from_base64(to_base64(every_byte())), every_byte());
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  constexpr std::string_view kRefused[] = {"Zg",   "Zg=",      "Z",      "====",     "=",
                                           "Z===", "Zg==Zg==", "Zg==\n", " Zm9v",    "Zm9 ",
                                           "Zm-_", "Zm=v",     "Zm9v=",  "Zm9v====", "Zm\0v"sv};
  for (const std::string_view text : kRefused) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesStrayBitsThatWouldMakeASecondTextForTheSameBytes) {
  EXPECT_EQ(from_base64("Zg=="), "f");
  EXPECT_EQ(from_base64("Zh=="), std::nullopt);
  EXPECT_EQ(from_base64("Zm8="), "fo");
  EXPECT_EQ(from_base64("Zm9="), std::nullopt);
}

}  // namespace
}  // namespace coach_sms
