#include "core/uuid.hpp"

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

}  // namespace
}  // namespace coach_sms
