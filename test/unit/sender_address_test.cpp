#include "core/twilio/sender_address.hpp"

#include <gtest/gtest.h>
#include <phonenumbers/phonenumberutil.h>

#include <set>
#include <string>

#include "core/text/blanks.hpp"
#include "core/twilio/twilio_sid.hpp"
#include "expect_error.hpp"

namespace coach_sms {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

std::set<std::string> all_regions() {
  std::set<std::string> regions;
  PhoneNumberUtil::GetInstance()->GetSupportedRegions(&regions);
  return regions;
}

void expect_refused(std::string_view sender, std::string_view region) {
  const Error error = expect_error(ErrorKind::kInvalidPhone, [&] {
    ADD_FAILURE() << sender << " became " << normalize_sender(sender, region);
  });
  EXPECT_EQ(error.message().find("invalid sender \""), 0U) << error.message();
  EXPECT_FALSE(error.detail().empty()) << sender;
  EXPECT_NE(error.hint().find("short code"), std::string::npos) << sender;
}

TEST(SenderAddress, NumbersAreReadInTheRegion) {
  struct Case {
    const char* sender;
    const char* region;
    const char* expected;
  };
  for (const Case& c :
       {Case{"0400 000 001", "AU", "+61400000001"}, Case{"+61 400 000 001", "AU", "+61400000001"},
        Case{"+61400000001", "US", "+61400000001"}, Case{"(415) 555-2671", "US", "+14155552671"},
        Case{"tel:+61400000001", "AU", "+61400000001"},
        Case{"Tel:0400 000 001", "AU", "+61400000001"},
        Case{"\u00A00400\u00A0000\u00A0001\u200B", "AU", "+61400000001"},
        Case{"07700 900123", "GB", "+447700900123"}, Case{"00447700900123", "AU", "+447700900123"},
        Case{"+15005550006", "AU", "+15005550006"}})
    EXPECT_EQ(normalize_sender(c.sender, c.region), c.expected) << c.sender;
}

TEST(SenderAddress, ShortCodesAreTheSameInEveryRegion) {
  for (const std::string& region : all_regions())
    for (const std::string code : {"123", "8904", "89045", "242242"}) {
      ASSERT_EQ(normalize_sender(code, region), code) << region;
      ASSERT_EQ(normalize_sender(" " + code + "\n", region), code) << region;
    }
  EXPECT_EQ(normalize_sender("89045", ""), "89045");
  EXPECT_FALSE(is_short_code("12"));
  EXPECT_FALSE(is_short_code("1234567"));
  EXPECT_FALSE(is_short_code("+1234"));
}

TEST(SenderAddress, NamesAreAsTwilioTakesThem) {
  for (const std::string name : {"COACH", "Peak-Fit", "Coach OS", "A", "Fit4You", "3M", "R&D_Gym+",
                                 "elevenchars", "1-800-FIT", "+1 555 CALL"}) {
    EXPECT_EQ(normalize_sender(name, "AU"), name);
    EXPECT_EQ(normalize_sender(name, ""), name);
  }
  EXPECT_EQ(normalize_sender("\tPeak Fit \r\n", "AU"), "Peak Fit");
}

TEST(SenderAddress, BlankIsNone) {
  for (const char* blank : {"", " ", "\t\r\n", "\u00A0", "\u3000\u2009", "\uFEFF\u200B"})
    EXPECT_EQ(normalize_sender(blank, "AU"), "");
}

TEST(SenderAddress, WhatCanNeverBeASenderIsRefused) {
  for (const char* sender : {"twelve chars",
                             "A name of 20 letters",
                             "Café",
                             "Peak.Fit",
                             "Peak/Fit",
                             "Coach!",
                             "Ünlü",
                             "\u0416\u0418\u0422",
                             "+0400000001",
                             "+0",
                             "+",
                             "-",
                             "&",
                             "12",
                             "1",
                             "+123",
                             "+999123456789",
                             "whatsapp:+61400000001",
                             "rcs:agent",
                             "Peak\u00A0Fit",
                             "MG0123456789abcdef0123456789abcdef",
                             "\u2022"}) {
    expect_refused(sender, "AU");
    expect_refused(sender, "");
  }
  expect_refused("0400 000 001 0000", "AU");
}

TEST(SenderAddress, WithoutARegionANumberBeginsWithItsCountry) {
  EXPECT_EQ(normalize_sender("+61 400 000 001", ""), "+61400000001");
  expect_refused("0400 000 001", "");
  expect_refused("61400000001", "");
  expect_refused("00447700900123", "");
}

TEST(SenderAddress, AnUnknownRegionIsNotTheSendersFault) {
  expect_error(ErrorKind::kInvalidArgument, [] { normalize_sender("0400 000 001", "XX"); });
}

TEST(SenderAddress, OnceNormalizedItStaysWhatItIsInEveryRegion) {
  const auto& library = *PhoneNumberUtil::GetInstance();
  const std::set<std::string> regions = all_regions();
  for (const std::string& region : regions) {
    PhoneNumber example;
    if (!library.GetExampleNumberForType(region, PhoneNumberUtil::MOBILE, &example)) continue;
    std::string national;
    library.Format(example, PhoneNumberUtil::NATIONAL, &national);
    const std::string sender = normalize_sender(national, region);
    for (const std::string& other : {region, std::string("AU"), std::string("US"), std::string()})
      ASSERT_EQ(normalize_sender(sender, other), sender) << national << " of " << region;
  }
}

// Twilio's side of a comparison may be any address, and is read in no org's region. 89045 is a
// local number's form in Germany, Austria, Finland, South Africa and Luxembourg, 890451 in Italy
// and the Philippines.
TEST(SenderAddress, IsComparedInItsOneForm) {
  for (const std::string& region : all_regions())
    for (const std::string code : {"890", "8904", "89045", "890451", "000000", "111111"})
      ASSERT_EQ(sender_address(code, region), code) << region;
  for (const std::string sender :
       {"PeakFit", "MG0123456789abcdef0123456789abcdef", "whatsapp:+61412345678", "rcs:brand_agent",
        "+89045", "89", "0000000000", "anonymous", "A name of 20 letters", ""})
    EXPECT_EQ(sender_address(sender, "AU"), sender);
  EXPECT_EQ(sender_address(" Peak.Fit\u00A0", "AU"), "Peak.Fit");
  EXPECT_EQ(sender_address(" 89045 ", "DE"), "89045");
  EXPECT_EQ(sender_address("0171 1234567", "DE"), "+491711234567");
  EXPECT_EQ(sender_address("0412345678.0", "AU"), "+61412345678");
  EXPECT_EQ(sender_address("0412345678", "XX"), "0412345678");
}

TEST(Blanks, AreTrimmedAtBothEndsAndKeptBetween) {
  EXPECT_EQ(trim_blanks("  a b \n"), "a b");
  EXPECT_EQ(trim_blanks("\uFEFFtoken\u00A0\u200B\r"), "token");
  EXPECT_EQ(trim_blanks("\u3000\u00E9\u2028"), "\u00E9");
  EXPECT_EQ(trim_blanks(" \t "), "");
  EXPECT_EQ(trim_blanks(""), "");
  EXPECT_EQ(trim_blanks(" \xff "), "\xff");
}

TEST(Sid, IsTwoLettersAnd32HexDigits) {
  EXPECT_TRUE(is_sid("AC0123456789abcdefABCDEF0123456789", kAccountSid));
  EXPECT_TRUE(is_sid("MG0123456789abcdef0123456789abcdef", kServiceSid));
  for (const char* sid :
       {"AC...", "", "AC", "AC0123456789abcdef0123456789abcde",
        "AC0123456789abcdef0123456789abcdef0", "MG0123456789abcdef0123456789abcdef",
        "ac0123456789abcdef0123456789abcdef", "AC0123456789abcdef0123456789abcdeg",
        " AC0123456789abcdef0123456789abcdef"})
    EXPECT_FALSE(is_sid(sid, kAccountSid)) << sid;
}

}  // namespace
}  // namespace coach_sms
