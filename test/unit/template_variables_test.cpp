#include "core/text/template_variables.hpp"

#include <gtest/gtest.h>

#include <string>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

std::string value_of(std::string_view json, std::string_view name) {
  const Variables variables = Variables::parse(json);
  const std::string* value = variables.find(name);
  return value == nullptr ? "(not given)" : *value;
}

TEST(Variables, AreStringsAsGiven) {
  const std::string_view json =
      R"({"name": "Zoë \"Z\" O'Hara\r\n&To=+15005550001 {{x}}", "emoji": "\ud83d\ude00", "": "e"})";
  EXPECT_EQ(value_of(json, "name"), "Zoë \"Z\" O'Hara\r\n&To=+15005550001 {{x}}");
  EXPECT_EQ(value_of(json, "emoji"), "😀");
  EXPECT_EQ(value_of(json, ""), "e");
  EXPECT_EQ(value_of(json, "Name"), "(not given)");
  EXPECT_EQ(value_of("{}", "name"), "(not given)");
}

TEST(Variables, KeepNumbersAsWritten) {
  for (const std::string number :
       {"0", "-0", "7", "1.50", "-0.10", "1e5", "1E+05", "123456789012345678901234567890",
        "0.1000000000000000055511151231257827"})
    EXPECT_EQ(value_of("{\"n\":" + number + "}", "n"), number);
}

TEST(Variables, SpellBooleansOut) {
  EXPECT_EQ(value_of(R"({"yes": true, "no": false})", "yes"), "true");
  EXPECT_EQ(value_of(R"({"yes": true, "no": false})", "no"), "false");
}

TEST(Variables, TakeNullForNotGiven) {
  EXPECT_EQ(value_of(R"({"a": null, "b": "null"})", "a"), "(not given)");
  EXPECT_EQ(value_of(R"({"a": null, "b": "null"})", "b"), "null");
}

TEST(Variables, TakeTheLastOfARepeatedName) {
  EXPECT_EQ(value_of(R"({"a": 1, "a": 2})", "a"), "2");
  EXPECT_EQ(value_of(R"({"a": 1, "a": null})", "a"), "(not given)");
  EXPECT_EQ(value_of(R"({"a": null, "a": "x"})", "a"), "x");
}

TEST(Variables, HoldNothingNested) {
  const Error object = expect_error(ErrorKind::kInvalidVariables, [] {
    Variables::parse(R"({"a": 1, "address": {"street": "x"}})");
  });
  EXPECT_TRUE(contains(object.message(), "\"address\"")) << object.message();
  EXPECT_FALSE(object.detail().empty());
  EXPECT_FALSE(object.hint().empty());
  const Error array =
      expect_error(ErrorKind::kInvalidVariables, [] { Variables::parse(R"({"tags": ["x"]})"); });
  EXPECT_TRUE(contains(array.message(), "\"tags\"")) << array.message();
  expect_error(ErrorKind::kInvalidVariables, [] { Variables::parse(R"({"tags": []})"); });
}

TEST(Variables, MustBeAnObject) {
  const std::pair<const char*, const char*> others[] = {
      {"[1]", "an array"},   {"[]", "an array"},    {"5", "a number"},
      {"\"x\"", "a string"}, {"true", "a boolean"}, {"null", "null"}};
  for (const auto& [json, what] : others) {
    const Error error =
        expect_error(ErrorKind::kInvalidVariables, [text = json] { Variables::parse(text); });
    EXPECT_TRUE(contains(error.message(), what)) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(Variables, MustBeJson) {
  for (const std::string json :
       {"", " ", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":01}", "{\"a\":1}x",
        "{\"a\":1}{}", "{\"a\":NaN}", "{\"a\":\"x}", "{\"a\":\"\\x\"}"}) {
    const Error error =
        expect_error(ErrorKind::kInvalidVariables, [text = json] { Variables::parse(text); });
    EXPECT_TRUE(contains(error.detail(), "byte ")) << error.detail();
  }
}

TEST(Variables, SurviveAMegabyteOfNesting) {
  expect_error(ErrorKind::kInvalidVariables, [] { Variables::parse(std::string(1 << 20, '[')); });
  expect_error(ErrorKind::kInvalidVariables,
               [] { Variables::parse("{\"a\":" + std::string(1 << 20, '[')); });
}

TEST(Variables, SurviveAMegabyteOfNames) {
  std::string json = "{";
  for (int i = 0; i < 100000; ++i)
    json.append(i == 0 ? "" : ",").append("\"n" + std::to_string(i) + "\":" + std::to_string(i));
  json += "}";
  EXPECT_EQ(value_of(json, "n99999"), "99999");
}

TEST(Variables, HoldNoNul) {
  expect_error(ErrorKind::kInvalidText, [] { Variables::parse(R"({"a": "x\u0000y"})"); });
  expect_error(ErrorKind::kInvalidText, [] { Variables::parse(R"({"a\u0000": "x"})"); });
  using namespace std::string_view_literals;
  expect_error(ErrorKind::kInvalidText, [] { Variables::parse("{\"a\": 1}\0{"sv); });
}

TEST(Variables, HoldNothingThatIsNotUtf8) {
  expect_error(ErrorKind::kInvalidText, [] { Variables::parse("{\"a\": \"\xFF\"}"); });
  expect_error(ErrorKind::kInvalidText, [] { Variables::parse("{\"\xC3\": \"x\"}"); });
  for (const char* lone : {R"({"a": "\udc00"})", R"({"a": "\ud83d"})", R"({"a": "\ud83dx"})"})
    expect_error(ErrorKind::kInvalidText, [&] { Variables::parse(lone); });
}

}  // namespace
}  // namespace coach_sms
