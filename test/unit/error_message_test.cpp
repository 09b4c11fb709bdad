#include "core/twilio/error_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(ErrorMessageTest, AnErrorMessageIsOneLineOfLimitedLength) {
  EXPECT_EQ(clean_error_message("first\r\nsecond\tthird\x7F\x01"), "first  second third  ");
  std::string euros;
  for (int i = 0; i < 1'000'000; ++i)
    euros += "\xE2\x82\xAC";
  const std::string message = clean_error_message(euros);
  EXPECT_EQ(message.size(), 498U);  // 166 whole characters of three bytes
  EXPECT_EQ(message, euros.substr(0, 498));
}

TEST(ErrorMessageTest, WhateverLooksLikeACredentialIsHidden) {
  const std::string token = "0123456789abcdef0123456789abcdef";
  EXPECT_EQ(clean_error_message("token " + token + " refused"), "token [redacted] refused");
  EXPECT_EQ(clean_error_message(token), "[redacted]");
  EXPECT_EQ(clean_error_message("https://user:" + token + "@host/"),
            "https://user:[redacted]@host/");
  // base64 of a user and a password, as in an Authorization header
  const std::string basic = "QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpzZWNyZXQ=";
  EXPECT_EQ(clean_error_message("Authorization: Basic " + basic),
            "Authorization: Basic [redacted]=");
}

TEST(ErrorMessageTest, ATokenAcrossTheCutIsHiddenToo) {
  const std::string token = "0123456789abcdef0123456789abcdef";
  const std::string message = clean_error_message(std::string(490, '.') + token);
  EXPECT_EQ(message.find("0123"), std::string::npos);
}

TEST(ErrorMessageTest, ASidIsNoCredential) {
  const std::string message =
      "The requested resource "
      "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json "
      "was not found";
  EXPECT_EQ(clean_error_message(message), message);
}

}  // namespace
}  // namespace coach_sms
