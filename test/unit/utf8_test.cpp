#include "core/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

using std::string_literals::operator""s;

TEST(Utf8, IsDecodedCodePointByCodePoint) {
  const std::string text = "a\u00E9\u20AC\U0001F600\U0010FFFF";
  std::u32string decoded;
  for (std::size_t at = 0; at < text.size();)
    decoded += next_code_point(text, at);
  EXPECT_EQ(decoded, U"a\u00E9\u20AC\U0001F600\U0010FFFF");
}

TEST(Utf8, DecodingGoesOnBehindABrokenByte) {
  const std::string text = "\xE2\x82z";
  std::size_t at = 0;
  EXPECT_EQ(decode_utf8(text, at), kNotUtf8);
  EXPECT_EQ(at, 1U);
  EXPECT_EQ(decode_utf8(text, at), kNotUtf8);
  EXPECT_EQ(decode_utf8(text, at), U'z');
  EXPECT_EQ(at, text.size());
}

TEST(Utf8, IsCheckedToTheLastByte) {
  EXPECT_NO_THROW(check_utf8(""));
  EXPECT_NO_THROW(check_utf8("Zoë 😀"));
  const Error error = expect_error(ErrorKind::kInvalidText, [] { check_utf8("Zoë\xF0\x9F\x98"); });
  EXPECT_TRUE(contains(error.message(), "byte 5")) << error.message();
}

TEST(CleanText, LeavesUtf8AsItIs) {
  for (const char* text :
       {"", "plain", "Gr\xC3\xBC\xC3\x9F\r\n\t", "\x01\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "caf\xC3\xA9 \xF0\x9F\x9A\x8C"}) {
    EXPECT_EQ(clean_text(text), text);
  }
}

struct UncleanText {
  std::string text;
  std::string cleaned;
};

const std::string kMark = "\xEF\xBF\xBD";

TEST(CleanText, HasAMarkInPlaceOfEachBadByte) {
  const UncleanText cases[] = {
      {"a\0b"s, "a" + kMark + "b"},                         // NUL
      {"\x80", kMark},                                      // continuation alone
      {"\xC0\x80", kMark + kMark},                          // overlong NUL
      {"\xC1\xBF", kMark + kMark},                          // overlong
      {"\xE0\x9F\xBF", kMark + kMark + kMark},              // overlong
      {"\xF0\x8F\xBF\xBF", kMark + kMark + kMark + kMark},  // overlong
      {"\xED\xA0\x80", kMark + kMark + kMark},              // surrogate
      {"\xF4\x90\x80\x80", kMark + kMark + kMark + kMark},  // above U+10FFFF
      {"\xF5\x80\x80\x80", kMark + kMark + kMark + kMark},
      {"x\xE2\x82", "x" + kMark + kMark},  // cut short
      {"\xE2\x82(", kMark + kMark + "("},
      {"\xFF"
       "A",
       kMark + "A"},
  };
  for (const UncleanText& unclean : cases) {
    EXPECT_EQ(clean_text(unclean.text), unclean.cleaned);
  }
}

TEST(CleanText, IsCutBetweenTwoCharacters) {
  EXPECT_EQ(clean_text("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(clean_text("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(clean_text("a\xFF", 3), "a");
  EXPECT_EQ(clean_text("abc", 0), "");
}

TEST(Excerpt, QuotesAShortText) {
  EXPECT_EQ(excerpt(""), "\"\"");
  EXPECT_EQ(excerpt("Zoë 😀"), "\"Zoë 😀\"");
  EXPECT_EQ(excerpt(std::string(40, 'x')), "\"" + std::string(40, 'x') + "\"");
}

TEST(Excerpt, CutsALongTextBetweenCharacters) {
  EXPECT_EQ(excerpt(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
  EXPECT_EQ(excerpt(std::string(39, 'x') + "😀y"), "\"" + std::string(39, 'x') + "😀...\"");
}

TEST(Excerpt, ShowsControlCharactersAndBrokenBytesAsQuestionMarks) {
  using namespace std::string_view_literals;
  EXPECT_EQ(excerpt("a\0b\nc\x7F\xC2\x85\xFF\xE2\x82"sv), "\"a?b?c?????\"");
}

}  // namespace
}  // namespace coach_sms
