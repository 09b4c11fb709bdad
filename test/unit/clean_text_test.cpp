#include "core/twilio/clean_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

using std::string_literals::operator""s;

TEST(ProviderTextTest, GoodTextPassesUnchangedWithItsLines) {
  const std::string text = "Gr\xC3\xBC\xC3\x9F Gott\r\n\xF0\x9F\x98\x80\t\xE2\x82\xAC";
  EXPECT_EQ(clean_text(text, 100), text);
  EXPECT_EQ(clean_text("", 100), "");
}

TEST(ProviderTextTest, WhatPostgresqlWouldRefuseIsReplaced) {
  EXPECT_EQ(clean_text("a\0b"s, 100), "a b");
  EXPECT_EQ(clean_text("a\xFF"
                       "b",
                       100),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(clean_text("\xC3", 100), "\xEF\xBF\xBD");                          // cut short
  EXPECT_EQ(clean_text("\xED\xA0\x80", 100).find('\xED'), std::string::npos);  // a surrogate
  EXPECT_EQ(clean_text("\xC0\xAF", 100).find('\xC0'), std::string::npos);      // overlong
}

TEST(ProviderTextTest, TheCutFallsBetweenTwoCharacters) {
  EXPECT_EQ(clean_text("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(clean_text("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(clean_text("a\xFF", 3), "a");
  EXPECT_EQ(clean_text("abc", 0), "");
}

TEST(ProviderTextTest, AnErrorMessageIsOneLineOfLimitedLength) {
  EXPECT_EQ(clean_error_message("first\r\nsecond\tthird\x7F\x01"), "first  second third  ");
  std::string euros;
  for (int i = 0; i < 1'000'000; ++i)
    euros += "\xE2\x82\xAC";
  const std::string message = clean_error_message(euros);
  EXPECT_EQ(message.size(), 498U);  // 166 whole characters of three bytes
  EXPECT_EQ(message, euros.substr(0, 498));
}

TEST(ProviderTextTest, WhateverLooksLikeACredentialIsHidden) {
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

TEST(ProviderTextTest, ATokenAcrossTheCutIsHiddenToo) {
  const std::string token = "0123456789abcdef0123456789abcdef";
  const std::string message = clean_error_message(std::string(490, '.') + token);
  EXPECT_EQ(message.find("0123"), std::string::npos);
}

TEST(ProviderTextTest, ASidIsNoCredential) {
  const std::string message =
      "The requested resource "
      "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json "
      "was not found";
  EXPECT_EQ(clean_error_message(message), message);
}

}  // namespace
}  // namespace coach_sms
