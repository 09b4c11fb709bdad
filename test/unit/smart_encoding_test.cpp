#include "core/text/smart_encoding.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/text/segments.hpp"
#include "expect_error.hpp"
#include "segment_vectors.hpp"

namespace coach_sms {
namespace {

class SmartVectors : public testing::TestWithParam<SegmentVector> {};

TEST_P(SmartVectors, AreCountedAsTwilioCountsThem) {
  const SegmentVector& vector = GetParam();
  const Segments counted = count_segments(smart_encode(vector.text));
  EXPECT_EQ(encoding_name(counted.encoding), vector.smart.encoding);
  EXPECT_EQ(counted.units, vector.smart.units);
  // The vectors give the number of segments with clusters parted only for the plain text.
  if (vector.group != "cluster-count") {
    EXPECT_EQ(counted.segments, vector.smart.segments);
  } else if (smart_encode(vector.text) == vector.text) {
    EXPECT_EQ(counted.segments, vector.plain_segments_by_code_point);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SmartVectors, testing::ValuesIn(segment_vectors()));

TEST(SmartEncoding, MakesLookAlikesPlain) {
  EXPECT_EQ(smart_encode("“It’s” – now…"), "\"It's\" - now...");
  EXPECT_EQ(smart_encode("½ ¼ ¾"), "1/2 1/4 3/4");
  EXPECT_EQ(smart_encode("ＳＭＳ＃１！"), "SMS#1!");
  EXPECT_EQ(smart_encode("ꜰᴡʏ"), "FWY");
  EXPECT_EQ(smart_encode("«a» ‼ \\ a\u00A0b\u2028c"), "\"a\" !! \\ a  b c");
}

TEST(SmartEncoding, DropsWhatPrintsNothingButKeepsTheJoinerOfEmoji) {
  EXPECT_EQ(smart_encode("a\u200Bb\u2060c\uFEFFd\u200Ce"), "abcde");
  EXPECT_EQ(smart_encode("👩\u200D👧"), "👩\u200D👧");
}

TEST(SmartEncoding, LeavesAloneWhatTheCalculatorLeavesAlone) {
  const std::string text = "plain é ç я 中 😀 ａｚ ｀ \r\n\u0301\u2011\u2212";
  EXPECT_EQ(smart_encode(text), text);
  EXPECT_EQ(smart_encode(""), "");
}

TEST(SmartEncoding, LeavesEveryGsmCharacterAlone) {
  for (const std::string_view text :
       {"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?",
        "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà", "\f^{}\\[~]|€"})
    EXPECT_EQ(smart_encode(text), text);
}

std::string utf8_of(char32_t code_point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0 | code_point >> 6), byte(0x80 | (code_point & 0x3F))};
  return {byte(0xE0 | code_point >> 12), byte(0x80 | (code_point >> 6 & 0x3F)),
          byte(0x80 | (code_point & 0x3F))};
}

TEST(SmartEncoding, ChangesExactlyTheCalculatorsTwoHundredAndSeventyOneCharacters) {
  int changed = 0;
  for (char32_t c = 0; c < 0x10000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const std::string text = utf8_of(c);
    const std::string encoded = smart_encode(text);
    if (encoded == text) continue;
    ++changed;
    EXPECT_EQ(count_segments(encoded).encoding, Encoding::kGsm7) << static_cast<unsigned>(c);
    EXPECT_EQ(smart_encode(encoded), encoded) << static_cast<unsigned>(c);
  }
  EXPECT_EQ(changed, 271);
}

TEST(SmartEncoding, RefusesWhatIsNotUtf8) {
  expect_error(ErrorKind::kInvalidText, [] { smart_encode("a\xE2\x80"); });
}

}  // namespace
}  // namespace coach_sms
