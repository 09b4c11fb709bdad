#include "core/twilio/api_key.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

const std::string kSid = "SK0123456789abcdefABCDEF0123456789";

TEST(ApiKeyTest, HasASidAndASecret) {
  const std::string token = kSid + ":s3cret:with a colon";
  const auto key = api_key_in(token);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->sid, kSid);
  EXPECT_EQ(key->secret, "s3cret:with a colon");
}

TEST(ApiKeyTest, AnyOtherTokenIsNone) {
  for (const std::string& token :
       {std::string(), std::string("0123456789abcdef0123456789abcdef"), kSid, kSid + ":",
        ":" + kSid, "AC" + kSid.substr(2) + ":secret", "sk" + kSid.substr(2) + ":secret",
        kSid + "0:secret", kSid.substr(0, 33) + ":secret", kSid.substr(0, 33) + "g:secret",
        " " + kSid + ":secret"})
    EXPECT_FALSE(api_key_in(token)) << token;
}

}  // namespace
}  // namespace coach_sms
