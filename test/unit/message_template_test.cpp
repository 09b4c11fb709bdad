#include "core/text/message_template.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

using Names = std::vector<std::string>;

std::string render(std::string_view body, std::string_view json) {
  return render_template(body, Variables::parse(json));
}

TEST(Template, RendersTheGuidesBookingConfirmation) {
  EXPECT_EQ(render("Hi {{client_name}}, your session with {{coach_name}} is confirmed for "
                   "{{session_datetime}}. Location: {{location}}. Reply STOP to opt out.",
                   R"({"client_name": "Sam", "coach_name": "Peak Fitness",
                       "session_datetime": "Nov 24, 2026, 7:30 AM", "location": "TBD"})"),
            "Hi Sam, your session with Peak Fitness is confirmed for Nov 24, 2026, 7:30 AM. "
            "Location: TBD. Reply STOP to opt out.");
}

TEST(Template, AllowsBlanksAroundANameAndRepetition) {
  EXPECT_EQ(render("{{a}}{{ a }}{{\ta  }}-{{_b2}}", R"({"a": 1, "_b2": true})"), "111-true");
}

TEST(Template, WithoutPlaceholdersIsItself) {
  for (const std::string body : {"", "plain", "a { b } c", "}} x }", "{ {a} }", "a}}b", "{", "é😀"})
    EXPECT_EQ(render(body, "{}"), body);
}

TEST(Template, NeverReadsAValueAgain) {
  EXPECT_EQ(render("{{a}}", R"({"a": "{{b}}", "b": "no"})"), "{{b}}");
  EXPECT_EQ(render("{{a}}b}}", R"({"a": "{{", "b": "no"})"), "{{b}}");
}

TEST(Template, LeavesExtraVariablesAlone) {
  EXPECT_EQ(render("{{a}}", R"({"a": "x", "unused": "y"})"), "x");
}

TEST(Template, TakesEveryValueAsPlainText) {
  EXPECT_EQ(render("[{{a}}]", R"({"a": "\r\n&To=+15005550001&Body=\"'%00\\"})"),
            "[\r\n&To=+15005550001&Body=\"'%00\\]");
  EXPECT_EQ(render("[{{a}}]", R"({"a": ""})"), "[]");
}

TEST(Template, NamesEveryMissingVariableAtOnce) {
  const Error error = expect_error(ErrorKind::kMissingVariable, [] {
    render("{{b}} {{a}} {{ b }} {{c}} {{d}}", R"({"a": "x", "c": null})");
  });
  EXPECT_TRUE(contains(error.message(), "\"b\"")) << error.message();
  EXPECT_TRUE(contains(error.detail(), ": b, c, d.")) << error.detail();
  EXPECT_FALSE(error.hint().empty());
}

TEST(Template, NeverEndingPlaceholderIsRefusedWithItsPlace) {
  const Error error =
      expect_error(ErrorKind::kInvalidTemplate, [] { render("Zoë {{name, hi", "{}"); });
  EXPECT_TRUE(contains(error.message(), "character 5")) << error.message();
  EXPECT_TRUE(contains(error.message(), "{{name, hi")) << error.message();
  expect_error(ErrorKind::kInvalidTemplate, [] { render("{{", "{}"); });
  expect_error(ErrorKind::kInvalidTemplate, [] { render("{{a}} {{a}", R"({"a": 1})"); });
}

TEST(Template, BadNameIsRefusedWithItsPlace) {
  for (const std::string name :
       {"", " ", "1a", "a b", "a-b", "a.b", "é", "#if x", "a\n", "a{{b", "{a", "{a}"}) {
    const Error error = expect_error(ErrorKind::kInvalidTemplate,
                                     [&] { render("x{{" + name + "}}", R"({"a": 1})"); });
    EXPECT_TRUE(contains(error.message(), "character 2")) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(Template, ErrorsStayShort) {
  const Error error = expect_error(ErrorKind::kInvalidTemplate,
                                   [] { render("{{" + std::string(1 << 20, 'x'), "{}"); });
  EXPECT_LT(error.message().size(), 200U);
}

TEST(Template, CannotFillTheMemory) {
  std::string body;
  for (int i = 0; i < 100000; ++i)
    body += "{{a}}";
  const std::string json = "{\"a\": \"" + std::string(1 << 20, 'x') + "\"}";
  expect_error(ErrorKind::kInvalidBody, [&] { render(body, json); });
}

TEST(TemplateVariables, AreDistinctAndInOrder) {
  EXPECT_EQ(template_variables("{{b}} {{ a }} {{b}} {{c}}"), (Names{"b", "a", "c"}));
  EXPECT_EQ(template_variables("none {a} }}"), Names{});
  expect_error(ErrorKind::kInvalidTemplate, [] { template_variables("{{a}} {{"); });
}

// Whatever is made of these pieces either raises or renders to the text with each name replaced
// once, and rendering needs exactly the names that template_variables returns.
TEST(Template, RendersEveryMixtureOfPiecesInOnePass) {
  const std::vector<std::pair<std::string, std::string>> pieces = {
      {"{{a}}", "{{b}}"}, {"{{ b }}", "}}"}, {"{ ", "{ "}, {"}}", "}}"}, {"x", "x"}, {"é", "é"}};
  const Variables variables = Variables::parse(R"({"a": "{{b}}", "b": "}}"})");
  for (const auto& first : pieces)
    for (const auto& second : pieces)
      for (const auto& third : pieces)
        for (const auto& fourth : pieces) {
          const std::string body = first.first + second.first + third.first + fourth.first;
          EXPECT_EQ(render_template(body, variables),
                    first.second + second.second + third.second + fourth.second);
          for (const std::string& name : template_variables(body))
            EXPECT_NE(variables.find(name), nullptr) << name;
        }
}

}  // namespace
}  // namespace coach_sms
