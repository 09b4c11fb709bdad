#include "core/crypto/phone_hash.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

// Stored in sms_suppression: a release that computes it otherwise would write to whoever opted out.
TEST(PhoneHashTest, TheHashIsHmacSha256UnderTheSalt) {
  // printf '+61491570006' | openssl dgst -sha256 -hmac salt
  EXPECT_EQ(phone_hash("salt", "+61491570006"),
            "hash:0d4714d36a0a728677114618013bdd8acbf1b701dc1f4c5dd22828fc620514e2");
}

TEST(PhoneHashTest, AnotherSaltOrNumberGivesAnotherHash) {
  EXPECT_NE(phone_hash("salt", "+61491570006"), phone_hash("Salt", "+61491570006"));
  EXPECT_NE(phone_hash("salt", "+61491570006"), phone_hash("salt", "+61491570007"));
}

}  // namespace
}  // namespace coach_sms
