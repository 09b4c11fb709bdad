#include "core/text/phone_forms.hpp"

#include <gtest/gtest.h>
#include <phonenumbers/phonenumberutil.h>

#include <set>
#include <string>
#include <vector>

#include "core/text/phone_number.hpp"

namespace coach_sms {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;
using Forms = std::vector<std::string>;

void expect_two_forms(const std::string& shorter, const std::string& longer) {
  EXPECT_EQ(phone_forms(shorter), (Forms{shorter, longer}));
  EXPECT_EQ(phone_forms(longer), (Forms{longer, shorter}));
  EXPECT_EQ(phone_key(shorter), shorter);
  EXPECT_EQ(phone_key(longer), shorter);
}

TEST(PhoneForms, OfMexicoAreWithAndWithoutTheOne) {
  expect_two_forms("+525512345678", "+5215512345678");
  expect_two_forms("+526641234567", "+5216641234567");
  expect_two_forms("+529991234567", "+5219991234567");
}

TEST(PhoneForms, OfBrazilAreWithAndWithoutTheNinthDigit) {
  expect_two_forms("+551187654321", "+5511987654321");
  expect_two_forms("+552198765432", "+5521998765432");
  expect_two_forms("+558561234567", "+5585961234567");
  expect_two_forms("+551177654321", "+5511977654321");
}

TEST(PhoneForms, OfArgentinaAreWithAndWithoutTheNine) {
  expect_two_forms("+541123456789", "+5491123456789");
  expect_two_forms("+542214567890", "+5492214567890");
  expect_two_forms("+543514567890", "+5493514567890");
}

TEST(PhoneForms, OfBeninAreWithAndWithoutTheFirstTwoDigits) {
  expect_two_forms("+22997000000", "+2290197000000");
  expect_two_forms("+22921000000", "+2290121000000");
}

TEST(PhoneForms, OfAnyOtherNumberAreItself) {
  for (const std::string phone : {"+61412345678",
                                  "+14155552671",
                                  "+5112345678",
                                  "+56912345678",
                                  "+521551234567",
                                  "+52155123456789",
                                  "+52112345678901",
                                  "+521",
                                  "+52",
                                  "+5211234567890",
                                  "+551132345678",
                                  "+5511932345678",
                                  "+55119876543210",
                                  "+5511",
                                  "+5511087654321",
                                  "+548001234567",
                                  "+5498001234567",
                                  "+22907000000",
                                  "+2290207000000",
                                  "+52551234567a",
                                  "525512345678",
                                  "",
                                  "VODAFONE",
                                  "89045",
                                  "erased",
                                  "20000000-0000-4000-8000-000000000001"}) {
    EXPECT_EQ(phone_forms(phone), Forms{phone});
    EXPECT_EQ(phone_key(phone), phone);
  }
}

// Each form has the same forms and the same end: the sender recalls messages by it.
TEST(PhoneForms, OfEveryRegionLeadToEachOther) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  std::set<std::string> regions;
  library.GetSupportedRegions(&regions);
  std::set<std::string> with_two;
  for (const std::string& region : regions) {
    for (int type = PhoneNumberUtil::FIXED_LINE; type <= PhoneNumberUtil::VOICEMAIL; ++type) {
      PhoneNumber number;
      std::string phone;
      if (!library.GetExampleNumberForType(
              region, static_cast<PhoneNumberUtil::PhoneNumberType>(type), &number))
        continue;
      library.Format(number, PhoneNumberUtil::E164, &phone);
      const Forms forms = phone_forms(phone);
      ASSERT_LE(forms.size(), 2U);
      if (forms.size() == 1) continue;
      with_two.insert(region);
      EXPECT_EQ(forms[0], phone);
      EXPECT_EQ(phone_forms(forms[1]), (Forms{forms[1], phone}));
      EXPECT_EQ(phone_key(forms[1]), phone_key(phone));
      EXPECT_EQ(forms[1].substr(forms[1].size() - 8), phone.substr(phone.size() - 8));
    }
  }
  EXPECT_EQ(with_two, (std::set<std::string>{"AR", "BJ", "BR", "MX"}));
}

// The number is stored as it was given.
TEST(PhoneForms, AreEachKeptByNormalising) {
  for (const std::string phone : {"+525512345678", "+5215512345678", "+551187654321",
                                  "+5511987654321", "+541123456789", "+5491123456789"})
    EXPECT_EQ(normalize_phone(phone, "US"), phone);
}

}  // namespace
}  // namespace coach_sms
