#include <gtest/gtest.h>
#include <phonenumbers/phonenumberutil.h>

#include <random>
#include <set>
#include <string>

#include "core/base/error.hpp"
#include "core/text/phone_number.hpp"
#include "random_seed.hpp"

namespace coach_sms {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

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
      std::string digits;
      library.GetNationalSignificantNumber(number, &digits);
      const bool zero_too_many = expected && digits[0] == '0' && !library.IsValidNumber(number);
      std::string e164;  // the parser's, read until it stays
      for (std::string read = expected ? phone : ""; read != e164;) {
        e164 = read;
        const bool possible_still =
            library.Parse(e164, "AU", &number) == PhoneNumberUtil::NO_PARSING_ERROR &&
            library.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE;
        read.clear();
        if (possible_still) library.Format(number, PhoneNumberUtil::E164, &read);
      }
      EXPECT_TRUE(got == e164 || (got.empty() && zero_too_many)) << phone << ": " << got;
      possible += got.empty() ? 0 : 1;
    }
  EXPECT_GT(possible, 200);
}

std::string normalized_or_empty(const std::string& phone, const std::string& region) {
  try {
    return normalize_phone(phone, region);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidPhone) << phone;
    return {};
  }
}

void expect_settled(const std::string& phone, const std::string& region) {
  const std::string once = normalized_or_empty(phone, region);
  if (once.empty()) return;
  SCOPED_TRACE(test::seed_text());
  for (const std::string& other : {region, std::string("AU"), std::string("US"), std::string("IT")})
    EXPECT_EQ(normalized_or_empty(once, other), once) << phone << " in " << region << ", " << other;
}

// Random digits behind what people put before a number, and the examples of libphonenumber.
TEST(PhoneNumber, IsTheSameWhenItIsReadAgainInAnyRegion) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  std::set<std::string> regions;
  library.GetSupportedRegions(&regions);
  std::mt19937 random(test::random_seed());
  for (const std::string& region : regions) {
    const std::string code = std::to_string(library.GetCountryCodeForRegion(region));
    for (const std::string& front :
         {std::string(), std::string("0"), std::string("00"), std::string("1"), std::string("8"),
          "+" + code, "+" + code + "0", "+" + code + "00", "00" + code, code + "1", code}) {
      std::string digits = front;
      const std::size_t length = front.size() + 4 + random() % 9;
      while (digits.size() < length)
        digits += static_cast<char>('0' + random() % 10);
      expect_settled(digits, region);
      expect_settled(digits + ".0", region);
    }
    for (int type = PhoneNumberUtil::FIXED_LINE; type <= PhoneNumberUtil::VOICEMAIL; ++type) {
      PhoneNumber number;
      if (!library.GetExampleNumberForType(
              region, static_cast<PhoneNumberUtil::PhoneNumberType>(type), &number))
        continue;
      std::string e164;
      library.Format(number, PhoneNumberUtil::E164, &e164);
      if (library.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE) {
        EXPECT_EQ(normalized_or_empty(e164, "AU"), e164) << region;
      }
      expect_settled(e164, region);
      expect_settled(e164.substr(1), region);
    }
  }
}

}  // namespace
}  // namespace coach_sms
