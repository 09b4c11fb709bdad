#include "core/phone_number.hpp"

#include <gtest/gtest.h>
#include <phonenumbers/phonenumberutil.h>

#include <set>
#include <string>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

Error refused(std::string_view phone, std::string_view region = "AU") {
  return expect_error(ErrorKind::kInvalidPhone, [&] {
    ADD_FAILURE() << phone << " became " << normalize_phone(phone, region);
  });
}

TEST(PhoneNumber, InStrictE164PassesUnchanged) {
  for (const std::string phone :
       {"+61412345678", "+15005550001", "+447700900123", "+390612345678", "+39000000612",
        "+2250123456789", "+242061234567", "+6421123456", "+883510000000012", "+80012345678"})
    EXPECT_EQ(normalize_phone(phone, "AU"), phone);
}

TEST(PhoneNumber, MayBeOneOfTwiliosMagicOnes) {
  for (char last = '1'; last <= '9'; ++last)
    EXPECT_EQ(normalize_phone(std::string("+1500555000") + last, "AU"),
              std::string("+1500555000") + last);
}

TEST(PhoneNumber, LosesATrunkPrefixBehindTheCallingCode) {
  EXPECT_EQ(normalize_phone("+610412345678", "AU"), "+61412345678");
  EXPECT_EQ(normalize_phone("+61 (0) 412 345 678", "US"), "+61412345678");
  EXPECT_EQ(normalize_phone("+44 (0)7700 900123", "US"), "+447700900123");
  EXPECT_EQ(normalize_phone("+36 06 20 123 4567", "AU"), "+36201234567");
}

TEST(PhoneNumber, IsReadAsDialledInTheRegion) {
  const char* const cases[][3] = {{"0412 345 678", "AU", "+61412345678"},
                                  {"412345678", "AU", "+61412345678"},
                                  {"61412345678", "AU", "+61412345678"},
                                  {"(02) 9876-5432", "AU", "+61298765432"},
                                  {"(202) 555-0123", "US", "+12025550123"},
                                  {"1 202.555.0123", "US", "+12025550123"},
                                  {"07700 900123", "GB", "+447700900123"},
                                  {"0171/1234567", "DE", "+491711234567"},
                                  {"06 1234 5678", "IT", "+390612345678"},
                                  {"011 15-2345-6789", "AR", "+5491123456789"},
                                  {"4002", "NU", "+6834002"}};
  for (const auto& [phone, region, e164] : cases)
    EXPECT_EQ(normalize_phone(phone, region), e164);
}

TEST(PhoneNumber, MayBeginWithAnInternationalPrefix) {
  EXPECT_EQ(normalize_phone("0011 61 412 345 678", "AU"), "+61412345678");
  EXPECT_EQ(normalize_phone("0044 7700 900123", "DE"), "+447700900123");
  EXPECT_EQ(normalize_phone("011 61 412 345 678", "US"), "+61412345678");
  EXPECT_EQ(normalize_phone("00 61 412 345 678", "US"), "+61412345678");
  EXPECT_EQ(normalize_phone("0061412345678", "AU"), "+61412345678");
}

TEST(PhoneNumber, MayBeWrittenInManyWays) {
  for (const std::string phone :
       {"+61 412 345 678", " +61-412-345-678\r\n", "+61\u00A0412\u2011345\u2013678",
        "tel:+61-412-345-678", "TEL:0412345678", "Tel:0412345678", "０４１２３４５６７８",
        "＋６１　４１２（３４５）６７８", "٠٤١٢٣٤٥٦٧٨", "۰۴۱۲۳۴۵۶۷۸", "०४१२३४५६७८",
        "\u202A+61 412 345 678\u202C", "\uFEFF0412345678"})
    EXPECT_EQ(normalize_phone(phone, "AU"), "+61412345678") << phone;
}

TEST(PhoneNumber, OfImpossibleLengthIsRefused) {
  for (const char* phone : {"+61412", "+6141234567890", "+1202555012", "+120255501234",
                            "+12025550123456", "+614123456789012", "+1234567", "+447",
                            "+49301234567890123", "0412 345", "0412 345 678 901", "04123456789"}) {
    const Error error = refused(phone);
    EXPECT_TRUE(contains(error.message(), phone)) << error.message();
    EXPECT_FALSE(error.detail().empty());
    EXPECT_TRUE(contains(error.hint(), "+61412345678"));
  }
}

TEST(PhoneNumber, WithoutItsAreaCodeIsRefused) {
  refused("555 2368", "US");
  refused("+1 555 2368", "US");
  refused("9876 5432", "AU");
}

TEST(PhoneNumber, OfAnUnknownCallingCodeIsRefused) {
  for (const char* phone :
       {"+99912345678", "+21012345678", "+000000000", "+0412345678", "+999 1", "0011 999 12345678"})
    refused(phone);
}

TEST(PhoneNumber, MayNotBeAShortCodeOrAServiceNumber) {
  for (const char* phone : {"000", "112", "12345", "13 12 34", "131234", "191234", "1997 1234",
                            "1300 123 456", "1800 123 456", "0", "00", "1"})
    refused(phone, "AU");
  for (const char* phone : {"911", "26262", "262966"})
    refused(phone, "US");
  for (const char* phone : {"999", "60600", "80800"})
    refused(phone, "GB");
}

TEST(PhoneNumber, MayHoldNothingButOneNumber) {
  for (const char* phone : {"1-800-FLOWERS",
                            "hello",
                            "0412 345 678 (home)",
                            "call 0412 345 678",
                            "Позвони 0412345678",
                            "+61 412 345 678 ext. 5",
                            "+61 412 345 678 x5",
                            "0412345678#5",
                            "0412345678,5",
                            "0412345678;5",
                            "0412345678~5",
                            "0412345678ｘ5",
                            "tel:+61412345678;ext=5",
                            "tel:0412345678;phone-context=+61",
                            "tel:tel:0412345678",
                            "*61#",
                            "++61412345678",
                            "0412+345678",
                            "+61412345678+61412345679",
                            "0412345678 / 0412345679",
                            "0412345678\n0412345679",
                            "+61412345678'; DROP TABLE sms_messages",
                            "😀"})
    refused(phone);
}

TEST(PhoneNumber, MayNotBeEmpty) {
  for (const char* phone : {"", " ", "+", "tel:", "()", "\u200B"})
    refused(phone);
}

TEST(PhoneNumber, MayNotHoldNul) {
  const Error error = refused(std::string_view("0412345678\0", 11));
  EXPECT_TRUE(contains(error.message(), "0412345678?")) << error.message();
}

TEST(PhoneNumber, ThatIsNotUtf8IsRefused) {
  expect_error(ErrorKind::kInvalidText, [] { normalize_phone("0412\xFF", "AU"); });
}

TEST(PhoneNumber, OfAMegabyteIsRefusedInAFewWords) {
  for (const std::string& phone :
       {std::string(1 << 20, '4'), "+" + std::string(1 << 20, '6'), std::string(1 << 20, ' '),
        "+61412345678" + std::string(300, ' ')}) {
    const Error error = refused(phone);
    EXPECT_LT(error.message().size(), 80U);
    EXPECT_TRUE(contains(error.message(), "...")) << error.message();
  }
}

TEST(PhoneNumber, IsCutBetweenCharactersInAnError) {
  std::string phone;
  for (int i = 0; i < 50; ++i)
    phone += "é";
  const Error error = refused(phone);
  EXPECT_TRUE(contains(error.message(), "é...")) << error.message();
}

TEST(Region, MustBeKnown) {
  for (const char* region : {"XX", "au", "AUS", "A", "", "001", "ZZ", "UK"}) {
    EXPECT_FALSE(is_known_region(region)) << region;
    for (const char* phone : {"+61412345678", "0412345678"}) {
      const Error error =
          expect_error(ErrorKind::kInvalidArgument, [&] { normalize_phone(phone, region); });
      EXPECT_TRUE(contains(error.message(), std::string("\"") + region + "\"")) << error.message();
      EXPECT_FALSE(error.hint().empty());
    }
  }
  EXPECT_FALSE(is_known_region(std::string(1 << 20, 'A')));
  EXPECT_TRUE(is_known_region("AU"));
  EXPECT_TRUE(is_known_region("US"));
}

// libphonenumber gives an example of a mobile number for nearly every region: each must come to the
// same E.164 number however it is written, and that must come back unchanged.
TEST(PhoneNumber, OfEveryRegionIsTheSameHoweverWritten) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  std::set<std::string> regions;
  library.GetSupportedRegions(&regions);
  int tried = 0;
  for (const std::string& region : regions) {
    PhoneNumber number;
    if (!library.GetExampleNumberForType(region, PhoneNumberUtil::MOBILE, &number)) continue;
    ++tried;
    EXPECT_TRUE(is_known_region(region)) << region;
    std::string e164;
    library.Format(number, PhoneNumberUtil::E164, &e164);
    EXPECT_EQ(normalize_phone(e164, "AU"), e164) << region;
    for (const auto format :
         {PhoneNumberUtil::INTERNATIONAL, PhoneNumberUtil::NATIONAL, PhoneNumberUtil::RFC3966}) {
      std::string written;
      library.Format(number, format, &written);
      EXPECT_EQ(normalize_phone(written, region), e164) << region << ": " << written;
    }
  }
  EXPECT_GT(tried, 200);
}

// The short way round the parser comes to the parser's results.
TEST(PhoneNumber, InStrictE164IsJudgedAsTheParserWould) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  int possible = 0;
  for (int code = 1; code < 1000; ++code)
    for (const std::string national : {"2025550", "61234567", "0612345678", "4123456789012"}) {
      const std::string phone = "+" + std::to_string(code) + national;
      if (phone.size() < 9 || phone.size() > 16) continue;
      PhoneNumber number;
      const bool expected =
          library.Parse(phone, "AU", &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
          library.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE;
      std::string got;
      try {
        got = normalize_phone(phone, "AU");
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInvalidPhone);
      }
      std::string e164;  // the parser's, read until it stays
      for (std::string read = expected ? phone : ""; read != e164;) {
        e164 = read;
        const bool possible_still =
            library.Parse(e164, "AU", &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
            library.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE;
        read.clear();
        if (possible_still) library.Format(number, PhoneNumberUtil::E164, &read);
      }
      EXPECT_EQ(got, e164) << phone;
      possible += expected ? 1 : 0;
    }
  EXPECT_GT(possible, 200);
}

TEST(PhoneNumber, IsJudgedInSilence) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  is_known_region("ZZ");
  normalize_phone("0412 345 678", "AU");
  refused("+999 1");
  refused("5");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(PhoneNumber, IsTheSameWhenItIsReadAgain) {
  for (const char* number :
       {"+6 1 009686 5", "+61 0 0 0491 570 006", "0491 570 006", "+390612345678"}) {
    const std::string once = normalize_phone(number, "AU");
    EXPECT_EQ(normalize_phone(once, "AU"), once) << number;
    EXPECT_EQ(normalize_phone(once, "US"), once) << number;
  }
  EXPECT_EQ(normalize_phone("+6 1 009686 5", "AU"), "+6196865");
}

}  // namespace
}  // namespace coach_sms
