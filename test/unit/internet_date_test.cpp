#include "core/base/internet_date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(InternetDateTest, TwiliosDatesAreRead) {
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 05:01:45 +0000"), 1'692'853'305);
  EXPECT_EQ(parse_rfc5322_date("Thu, 01 Jan 1970 00:00:00 +0000"), 0);
  EXPECT_EQ(parse_rfc5322_date("Wed, 31 Dec 1969 23:59:59 +0000"), -1);
  EXPECT_EQ(parse_rfc5322_date("Thu, 29 Feb 2024 12:00:00 +0000"), 1'709'208'000);
}

TEST(InternetDateTest, ZonesAreTakenOff) {
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 15:01:45 +1000"), 1'692'853'305);
  EXPECT_EQ(parse_rfc5322_date("Wed, 23 Aug 2023 20:01:45 -0900"), 1'692'853'305);
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 10:31:45 +0530"), 1'692'853'305);
  for (const char* zone : {"GMT", "UTC", "UT", "Z"}) {
    EXPECT_EQ(parse_rfc5322_date(std::string("24 Aug 2023 05:01:45 ") + zone), 1'692'853'305);
  }
}

TEST(InternetDateTest, AShortDayAndWiderBlanksAreTaken) {
  EXPECT_EQ(parse_rfc5322_date("Wed, 2 Aug 2023 05:01:45 +0000"),
            parse_rfc5322_date("Wed,  02 Aug  2023 05:01:45  +0000"));
  EXPECT_TRUE(parse_rfc5322_date("2 Aug 2023 05:01:45 +0000"));
}

TEST(InternetDateTest, DigitsThatSayNothingMayBeLeftOut) {
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 05:01:45 +00"), 1'692'853'305);
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 5:1:45 +0000"), 1'692'853'305);
}

TEST(InternetDateTest, NothingMayFollowBehindANul) {
  using namespace std::string_view_literals;
  EXPECT_EQ(parse_rfc5322_date("Thu, 24 Aug 2023 05:01:45 +0000\0"sv), std::nullopt);
}

TEST(InternetDateTest, WhatIsNoDateIsRefused) {
  for (const char* text : {"",
                           " ",
                           "garbage",
                           "2023-08-24T05:01:45Z",
                           "Thu, 24 Aug 2023 05:01:45",
                           "Thu, 24 Aug 2023 05:01:45 +0060",
                           "Thu, 24 Aug 2023 05:01:45 +2400",
                           "Thu, 24 Aug 2023 05:01:45 -2400",
                           "Foo, 24 Aug 2023 05:01:45 +0000",
                           "Thu, 24 Aug 2023 05:01:45 PST",
                           "Thu, 24 Aug 2023 25:01:45 +0000",
                           "Thu, 24 Aug 2023 05:60:45 +0000",
                           "Thu, 24 Aug 2023 05:01:61 +0000",
                           "Thu, 30 Feb 2023 05:01:45 +0000",
                           "Thu, 00 Aug 2023 05:01:45 +0000",
                           "Thu, 24 Foo 2023 05:01:45 +0000",
                           "Thu, 24 Aug 23 05:01:45 +0000",
                           "Thu, 24 Aug 99999999999 05:01:45 +0000",
                           "Thu, 24 Aug 2023 05:01:45 +0000 and more",
                           "Thu 24 Aug 2023 05:01:45 +0000"}) {
    EXPECT_EQ(parse_rfc5322_date(text), std::nullopt) << text;
  }
}

TEST(InternetDateTest, AllThreeHttpFormsAreTheSameMoment) {
  constexpr std::int64_t kExample = 784'111'777;  // the example of RFC 9110
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
}

TEST(InternetDateTest, ATwoDigitYearIsOneOf1969To2068) {
  EXPECT_EQ(parse_http_date("Sunday, 01-Jan-68 00:00:00 GMT"),
            parse_rfc5322_date("1 Jan 2068 00:00:00 GMT"));
  EXPECT_EQ(parse_http_date("Sunday, 01-Jan-69 00:00:00 GMT"),
            parse_rfc5322_date("1 Jan 1969 00:00:00 GMT"));
}

TEST(InternetDateTest, ALeapSecondIsTheSecondAfterIt) {
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT"),
            parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT"));
}

TEST(InternetDateTest, GarbageIsNoHttpDate) {
  for (const char* text : {"", "120", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                           "Sunday, 06-Nov-94 08:49:37 PST", "Sun Nov  6 08:49:37"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace coach_sms
