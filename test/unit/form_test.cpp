#include "core/webhook/form.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

using namespace std::string_literals;

TEST(ParseForm, DecodesNamesAndValuesInOrder) {
  const FormParams expected = {{"To", "+447700900123"}, {"Body", "1+1=2 & 50%"}, {"a b", "c d"}};
  EXPECT_EQ(parse_form("To=%2B447700900123&Body=1%2b1=2+%26+50%25&a+b=c%20d"), expected);
}

TEST(ParseForm, KeepsEmptyValuesAndRepeatedNames) {
  const FormParams expected = {{"A", ""}, {"B", ""}, {"K", "v"}, {"K", "v"}, {"", "x"}, {"", ""}};
  EXPECT_EQ(parse_form("A=&B&K=v&K=v&=x&="), expected);
}

TEST(ParseForm, SkipsEmptyFields) {
  EXPECT_EQ(parse_form(""), FormParams{});
  EXPECT_EQ(parse_form("&&&"), FormParams{});
  EXPECT_EQ(parse_form("&a=1&&b=2&"), (FormParams{{"a", "1"}, {"b", "2"}}));
}

TEST(ParseForm, KeepsBadEscapesAsTheyAre) {
  const FormParams expected = {{"a", "%"},    {"b", "%2"},  {"c", "%zz"},
                               {"d", "%%41"}, {"e", "%4g"}, {"f", "% 41"}};
  EXPECT_EQ(parse_form("a=%&b=%2&c=%zz&d=%%2541&e=%4g&f=%+41"), expected);
}

TEST(ParseForm, LooksForNoEscapeBeyondTheEndOfTheBody) {
  constexpr std::string_view kLongerBuffer = "a=%4142";
  EXPECT_EQ(parse_form(kLongerBuffer.substr(0, 4)), (FormParams{{"a", "%4"}}));
  EXPECT_EQ(parse_form(kLongerBuffer.substr(0, 5)), (FormParams{{"a", "A"}}));
}

TEST(ParseForm, DecodesOnceOnly) {
  EXPECT_EQ(parse_form("a=%252B%2526b%253D1"), (FormParams{{"a", "%2B%26b%3D1"}}));
}

TEST(ParseForm, TrimsNothingAndPassesEveryByteOn) {
  EXPECT_EQ(parse_form("a=%00%FF%0D%0A++x++"), (FormParams{{"a", "\0\xFF\r\n  x  "s}}));
}

TEST(ParseForm, TakesAsMuchAsTheLimitsAndNoMore) {
  const FormLimits limits{10, 3};
  EXPECT_EQ(parse_form("aaaaaaaaaa", limits).size(), 1U);
  EXPECT_EQ(parse_form("a&b&c", limits).size(), 3U);
  for (const std::string_view body : {"aaaaaaaaaaa", "a&b&c&d"}) {
    try {
      parse_form(body, limits);
      ADD_FAILURE() << body;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_FALSE(error.detail().empty());
    }
  }
}

TEST(ParseForm, RefusesAMegabyteByDefault) {
  EXPECT_NO_THROW(parse_form(std::string(65536, 'x')));
  EXPECT_THROW(parse_form(std::string(1 << 20, '&')), Error);
  std::string thousand;
  for (int i = 0; i < 1000; ++i)
    thousand += "a&";
  EXPECT_EQ(parse_form(thousand).size(), 1000U);
  EXPECT_THROW(parse_form(thousand + "a"), Error);
}

TEST(FindInForm, GivesTheFirstValueOfAName) {
  const FormParams params = parse_form("a=1&b=2&a=3");
  ASSERT_NE(find(params, "a"), nullptr);
  EXPECT_EQ(*find(params, "a"), "1");
  EXPECT_EQ(find(params, "A"), nullptr);
  EXPECT_EQ(find({}, ""), nullptr);
}

const std::string kMark = "\xEF\xBF\xBD";

TEST(FormToJson, WritesStringsAndArraysOfRepeatedNames) {
  EXPECT_EQ(form_to_json({}), "{}");
  EXPECT_EQ(form_to_json(parse_form("b=1&a=x&b=&b=1")), R"({"a":"x","b":["1","","1"]})");
}

TEST(FormToJson, EscapesWhatJsonMust) {
  EXPECT_EQ(form_to_json({{"a\"", "\\ \n \x01 </script> \xC3\xA9"}}),
            "{\"a\\\"\":\"\\\\ \\n \\u0001 </script> \xC3\xA9\"}");
}

TEST(FormToJson, HoldsNothingThatJsonbWouldRefuse) {
  const std::string json = form_to_json({{"n\0"s, "v\0\xED\xA0\x80"s}});
  EXPECT_EQ(json, "{\"n" + kMark + "\":\"v" + kMark + kMark + kMark + kMark + "\"}");
}

TEST(FormToJson, MakesOneNameOfNamesThatAreEqualOnceCleaned) {
  EXPECT_EQ(form_to_json({{"\xFE", "1"}, {"\xFF", "2"}}), "{\"" + kMark + "\":[\"1\",\"2\"]}");
}

TEST(Forms, OfRandomBytesNeverGiveBrokenJson) {
  std::mt19937 random(8259);
  constexpr std::string_view kAlphabet = "ab=&%+0F\"\\\n\x01\xC3\xED\xF0\x9F\xFF";
  for (int i = 0; i < 20000; ++i) {
    std::string body;
    for (std::size_t size = random() % 40; body.size() < size;) {
      body += kAlphabet[random() % kAlphabet.size()];
    }
    const std::string json = form_to_json(parse_form(body));
    EXPECT_EQ(clean_text(json), json);
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    ASSERT_FALSE(document.HasParseError()) << json;
    ASSERT_TRUE(document.IsObject()) << json;
  }
}

}  // namespace
}  // namespace coach_sms
