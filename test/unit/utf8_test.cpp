#include "core/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

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
