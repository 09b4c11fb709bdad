#include "core/text/segments.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"
#include "segment_vectors.hpp"

namespace coach_sms {
namespace {

std::string repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i)
    result += text;
  return result;
}

class SegmentVectors : public testing::TestWithParam<SegmentVector> {};

TEST_P(SegmentVectors, AreCountedAsTwilioCountsThem) {
  const SegmentVector& vector = GetParam();
  const Segments counted = count_segments(vector.text);
  EXPECT_EQ(encoding_name(counted.encoding), vector.plain.encoding);
  EXPECT_EQ(counted.units, vector.plain.units);
  EXPECT_EQ(counted.segments, vector.plain_segments_by_code_point);
  if (vector.group != "cluster-count") {
    EXPECT_EQ(counted.segments, vector.plain.segments);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SegmentVectors, testing::ValuesIn(segment_vectors()));

TEST(SegmentVectorsFile, HoldsAllTwoHundredAndTwelve) {
  EXPECT_EQ(segment_vectors().size(), 212U);
}

TEST(Segments, OfTheEmptyTextAreOneOfNoUnits) {
  const Segments counted = count_segments("");
  EXPECT_EQ(counted.encoding, Encoding::kGsm7);
  EXPECT_EQ(counted.segments, 1);
  EXPECT_EQ(counted.units, 0);
}

TEST(Segments, NeverPartAnEscapePair) {
  // 152 septets and a pair would fit by sum (306 is twice 153), yet the pair moves on whole.
  const std::string text = repeat("a", 152) + "€" + repeat("a", 152);
  const Segments counted = count_segments(text);
  EXPECT_EQ(counted.units, 306);
  EXPECT_EQ(counted.segments, 3);
}

TEST(Segments, NeverPartASurrogatePair) {
  const std::string text = repeat("я", 66) + "😀" + repeat("я", 66);
  const Segments counted = count_segments(text);
  EXPECT_EQ(counted.units, 134);
  EXPECT_EQ(counted.segments, 3);
}

TEST(Segments, GrowWithTheTextAndNeverShrink) {
  for (const std::string_view piece : {"a", "€", "я", "😀", "a€", "я😀"}) {
    Segments before = count_segments("");
    std::string text;
    for (int i = 0; i < 400; ++i) {
      text += piece;
      const Segments now = count_segments(text);
      ASSERT_GT(now.units, before.units) << text;
      ASSERT_GE(now.segments, before.segments) << text;
      ASSERT_LE(now.segments, before.segments + 2) << text;
      before = now;
    }
  }
}

TEST(Segments, OneForeignCharacterMakesTheWholeTextUcs2) {
  const std::string text = repeat("a", 80);
  EXPECT_EQ(count_segments(text).segments, 1);
  EXPECT_EQ(count_segments(text + "`").encoding, Encoding::kUcs2);
  EXPECT_EQ(count_segments(text + "`").segments, 2);
  EXPECT_EQ(count_segments("`" + text).segments, 2);
}

TEST(Utf16Units, AreTwoForAnEmojiAndOneForAnythingElse) {
  EXPECT_EQ(utf16_units(""), 0);
  EXPECT_EQ(utf16_units("aé€"), 3);
  EXPECT_EQ(utf16_units("\U0000FFFF"), 1);
  EXPECT_EQ(utf16_units("\U00010000"), 2);
  EXPECT_EQ(utf16_units("😀a"), 3);
}

TEST(Body, OfSixteenHundredUnitsIsTaken) {
  EXPECT_NO_THROW(check_body("Hi"));
  EXPECT_NO_THROW(check_body(repeat("a", 1600)));
  EXPECT_NO_THROW(check_body(repeat("😀", 800)));
}

TEST(Body, AboveSixteenHundredUnitsIsRefusedWithItsLength) {
  const Error error = expect_error(ErrorKind::kInvalidBody, [] { check_body(repeat("a", 1601)); });
  EXPECT_TRUE(contains(error.message(), "1601")) << error.message();
  EXPECT_TRUE(contains(error.hint(), "1600")) << error.hint();
  const Error emoji = expect_error(ErrorKind::kInvalidBody, [] { check_body(repeat("😀", 801)); });
  EXPECT_TRUE(contains(emoji.message(), "1602")) << emoji.message();
  const Error huge =
      expect_error(ErrorKind::kInvalidBody, [] { check_body(std::string(1 << 20, 'a')); });
  EXPECT_TRUE(contains(huge.message(), "1048576")) << huge.message();
  EXPECT_LT(huge.message().size(), 100U);
}

TEST(Body, WithoutAVisibleCharacterIsRefused) {
  for (const std::string body : {"", " ", " \t\r\n", "\u00A0\u2003\u3000", "\u200B\uFEFF\u2060"})
    expect_error(ErrorKind::kInvalidBody, [&] { check_body(body); });
}

TEST(Body, KeepsControlCharactersAndQuotes) {
  EXPECT_NO_THROW(check_body("a\r\nb\t&To=+15005550001 \"'{{x}}\x01"));
}

TEST(Body, WithNulIsRefused) {
  expect_error(ErrorKind::kInvalidText, [] { check_body(std::string_view("a\0b", 3)); });
}

TEST(Text, ThatIsNotUtf8IsRefusedEverywhere) {
  const std::string broken[] = {
      "\x80",              // a continuation alone
      "\xC3",              // cut short
      "\xC3(",             // not continued
      "\xC0\xAF",          // overlong, two bytes
      "\xE0\x80\xAF",      // overlong, three
      "\xF0\x80\x80\xAF",  // overlong, four
      "\xED\xA0\x80",      // a surrogate
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xF8\x88\x80\x80\x80",
      "\xFF",
  };
  for (const std::string& bytes : broken) {
    const Error error =
        expect_error(ErrorKind::kInvalidText, [&] { count_segments("abc" + bytes); });
    EXPECT_TRUE(contains(error.message(), "byte 4")) << error.message();
    expect_error(ErrorKind::kInvalidText, [&] { utf16_units(bytes); });
    expect_error(ErrorKind::kInvalidText, [&] { check_body(bytes + "abc"); });
  }
}

}  // namespace
}  // namespace coach_sms
