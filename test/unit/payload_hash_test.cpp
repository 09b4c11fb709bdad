#include "core/crypto/payload_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace coach_sms {
namespace {

std::string hex(const PayloadHash& hash) {
  std::string text;
  for (const unsigned char byte : hash) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Stored beside the idempotency keys: a release that computes it otherwise would refuse repeats.
TEST(PayloadHashTest, TheHashIsSha256OverPartsThatEachFollowTheirLength) {
  // printf 1:a2:bc | sha256sum
  EXPECT_EQ(hex(payload_hash({"a", "bc"})),
            "5310a58788781ab25d5ad7c3f85035824b4eb7bdfa394e0ac2186271472b5492");
  EXPECT_EQ(hex(payload_hash({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(PayloadHashTest, TheSamePartsGiveTheSameHash) {
  const std::string body(100'000, 'x');
  EXPECT_EQ(payload_hash({body, "y"}), payload_hash({std::string(body), "y"}));
}

TEST(PayloadHashTest, PartsThatAreDividedOrOrderedOtherwiseGiveAnotherHash) {
  using namespace std::string_view_literals;
  const std::set<PayloadHash> hashes = {
      payload_hash({}),           payload_hash({""}),          payload_hash({"", ""}),
      payload_hash({"abc"}),      payload_hash({"ab", "c"}),   payload_hash({"a", "bc"}),
      payload_hash({"bc", "a"}),  payload_hash({"abc", ""}),   payload_hash({"", "abc"}),
      payload_hash({"1:a2:bc"}),  payload_hash({"a2:bc"}),     payload_hash({"a\0b"sv}),
      payload_hash({"a\0c"sv}),   payload_hash({"a"}),         payload_hash({"A"}),
      payload_hash({"2:ab", ""}), payload_hash({"", "2:ab"}),  payload_hash({"a", "1:b"}),
      payload_hash({"a1", "b"}),  payload_hash({"a", "", "b"})};
  EXPECT_EQ(hashes.size(), 20U);
}

}  // namespace
}  // namespace coach_sms
