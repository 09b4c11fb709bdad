#include "core/text/phone_number.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

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

// A dot with one or two zeros ends what a spreadsheet wrote as a decimal number.
TEST(PhoneNumber, LosesTheDecimalsOfASpreadsheet) {
  const char* const cases[][3] = {{"211234567.0", "NZ", "+64211234567"},
                                  {"211234567.00", "NZ", "+64211234567"},
                                  {"1711234567.0", "DE", "+491711234567"},
                                  {"412345678.0", "AU", "+61412345678"},
                                  {"61412345678.0", "AU", "+61412345678"},
                                  {"0412345678.00", "AU", "+61412345678"},
                                  {" 0412345678.0\r\n", "AU", "+61412345678"},
                                  {"tel:0412345678.0", "AU", "+61412345678"},
                                  {"\u202A0412345678.0\u202C", "AU", "+61412345678"},
                                  {"+61412345678.0", "US", "+61412345678"},
                                  {"+6421123456.0", "NZ", "+6421123456"},
                                  {"4155552671.0", "US", "+14155552671"},
                                  {"612345678.0", "FR", "+33612345678"},
                                  {"3123456789.0", "IT", "+393123456789"},
                                  {"91234567.0", "SG", "+6591234567"},
                                  {"20123456.00", "DK", "+4520123456"},
                                  {"０４１２３４５６７８．０", "AU", "+61412345678"},
                                  {"٠٤١٢٣٤٥٦٧٨.٠", "AU", "+61412345678"}};
  for (const auto& [phone, region, e164] : cases)
    EXPECT_EQ(normalize_phone(phone, region), e164) << phone;
}

TEST(PhoneNumber, MayHoldDotsBetweenItsDigits) {
  const char* const cases[][3] = {
      {"06.12.34.56.00", "FR", "+33612345600"}, {"06.12.34.56.0.0", "FR", "+33612345600"},
      {"0412.345678", "AU", "+61412345678"},    {"0412345.600", "AU", "+61412345600"},
      {"0412 3456.00", "AU", "+61412345600"},   {"0412-3456.00", "AU", "+61412345600"},
      {"04123456 .00", "AU", "+61412345600"},   {"04123456. 00", "AU", "+61412345600"},
      {"041234560.1", "AU", "+61412345601"},    {"04123456.01", "AU", "+61412345601"},
      {"04123456.10", "AU", "+61412345610"},    {"0412345678.", "AU", "+61412345678"},
      {".0412345678", "AU", "+61412345678"},    {"415.5552671", "US", "+14155552671"},
      {"415.555.2600", "US", "+14155552600"},   {"415.555.26.00", "US", "+14155552600"},
      {"+33.612345678", "US", "+33612345678"},  {"+33.6.12.34.56.00", "US", "+33612345600"},
      {"+33.612345600", "FR", "+33612345600"}};
  for (const auto& [phone, region, e164] : cases)
    EXPECT_EQ(normalize_phone(phone, region), e164) << phone;
}

TEST(PhoneNumber, MayNotBeInExponentForm) {
  for (const char* phone : {"4.12345678E8", "4.12345678e8", "6.1412345678E+10", "6.1412E+10",
                            "4E+08", "1e10", "+6.1412345678E10", "412345678,0", "412345678٫0",
                            "4.12345678Ｅ８", "4.12345678×10^8", "1.0", ".0", "0.00", "12.00"})
    refused(phone);
}

TEST(PhoneNumber, MayNotBeADummy) {
  const std::string zeros(15, '0');
  for (const std::string region : {"AU", "US", "DE", "IT", "CI", "DK", "SG", "NO", "GB", "HU"})
    for (std::size_t length = 1; length <= zeros.size(); ++length) {
      refused(zeros.substr(0, length), region);
      refused("+" + zeros.substr(0, length), region);
    }
  const char* const cases[][2] = {
      {"000 000 0000", "US"},  {"(000) 000-0000", "US"}, {"+1 000 000 0000", "AU"},
      {"+61 000000000", "AU"}, {"+6100000", "AU"},       {"+10000000000", "AU"},
      {"+390000000", "IT"},    {"0000000000.0", "AU"},   {"00 00 00 00 00", "FR"},
      {"1111111111", "US"},    {"5555555555", "US"},     {"9999999999", "US"},
      {"+19999999999", "AU"},  {"111 111 111", "AU"},    {"0111111111", "AU"},
      {"999999999", "AU"},     {"09999 999999", "GB"},   {"11111111", "DK"},
      {"11111111", "SG"},      {"11111111", "NO"},       {"0111 1111111", "DE"},
      {"1111111111", "IN"},    {"44444444444", "GB"},    {"+441111111111", "GB"},
      {"٠٠٠٠٠٠٠٠٠٠", "AU"}};
  for (const auto& [phone, region] : cases)
    refused(phone, region);
}

// What repeats one digit may be somebody's: libphonenumber knows.
TEST(PhoneNumber, MayRepeatOneDigit) {
  const char* const cases[][3] = {
      {"22222222", "DK", "+4522222222"},      {"88888888", "SG", "+6588888888"},
      {"99999999", "NO", "+4799999999"},      {"+4799999999", "AU", "+4799999999"},
      {"0444 444 444", "AU", "+61444444444"}, {"06 66 66 66 66", "FR", "+33666666666"},
      {"9999999999", "IN", "+919999999999"},  {"8888888888", "US", "+18888888888"}};
  for (const auto& [phone, region, e164] : cases)
    EXPECT_EQ(normalize_phone(phone, region), e164) << phone;
}

TEST(PhoneNumber, MayNotBeginWithAZeroTooMany) {
  const char* const cases[][2] = {{"+61 0 0 0491 570 006", "AU"}, {"+6100491570006", "US"},
                                  {"+6 1 009686 5", "AU"},        {"00 412 345 678", "AU"},
                                  {"0 0412 345 678", "AU"},       {"+49 (0) 0171 1234567", "DE"},
                                  {"+44 00 7700 900123", "GB"},   {"+33 0 06 12 34 56 78", "FR"},
                                  {"+64 00 21 123 456", "NZ"},    {"+1 0 202 555 012", "US"},
                                  {"00 171 1234567", "US"}};
  for (const auto& [phone, region] : cases)
    refused(phone, region);
  // Italy's and others' numbers begin with zeros, also those that libphonenumber does not know.
  EXPECT_EQ(normalize_phone("+39 00 612 345", "IT"), "+3900612345");
  EXPECT_EQ(normalize_phone("06 1234 5678", "IT"), "+390612345678");
  EXPECT_EQ(normalize_phone("01 23 45 67 89", "CI"), "+2250123456789");
  EXPECT_EQ(normalize_phone("06 123 4567", "CG"), "+242061234567");
}

}  // namespace
}  // namespace coach_sms
