#include <cctype>

#include "core/base/uuid.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

Uuid counting_up() {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i)
    id.bytes[i] = static_cast<std::uint8_t>(i * 0x11);
  return id;
}

TEST(UuidTest, TheTextHasFiveGroupsOfLowerCaseHexDigits) {
  EXPECT_EQ(to_text(counting_up()), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(UuidTest, ANewUuidIsAllZeros) {
  EXPECT_EQ(to_text(Uuid{}), "00000000-0000-0000-0000-000000000000");
}

TEST(UuidTest, TheOrderIsThatOfUnsignedBytesAsInPostgresql) {
  Uuid low, high;
  low.bytes[0] = 0x7f;
  high.bytes[0] = 0x80;
  EXPECT_LT(low, high);
  low.bytes[15] = 0xff;  // the first difference decides
  EXPECT_LT(low, high);
  EXPECT_LT(to_text(low), to_text(high));
}

TEST(UuidTest, UuidsAreEqualOnlyIfAllBytesAre) {
  for (std::size_t i = 0; i < 16; ++i) {
    Uuid other = counting_up();
    EXPECT_EQ(other, counting_up());
    other.bytes[i] ^= 1;
    EXPECT_NE(other, counting_up()) << i;
  }
}

TEST(UuidTest, TextIsReadBackInEitherCase) {
  EXPECT_EQ(uuid_from_text(to_text(counting_up())), counting_up());
  std::string upper = to_text(counting_up());
  for (char& c : upper)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(uuid_from_text(upper), counting_up());
}

TEST(UuidTest, AnotherFormIsNoUuid) {
  const std::string text = to_text(counting_up());
  for (const std::string& wrong :
       {std::string(), text.substr(1), text + "0", "{" + text.substr(2) + "}", std::string(36, 'a'),
        std::string(36, '-')})
    EXPECT_FALSE(uuid_from_text(wrong)) << wrong;
  for (std::size_t i = 0; i < text.size(); ++i)
    for (char c : {'g', 'G', '/', ':', '@', '`', '\0', ' '}) {
      std::string wrong = text;
      wrong[i] = c;
      EXPECT_FALSE(uuid_from_text(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace coach_sms
