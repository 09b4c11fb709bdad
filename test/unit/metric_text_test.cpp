#include "gateway/metric_text.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

TEST(MetricTextTest, AMetricHasItsHelpAndTypeOnceBeforeItsSamples) {
  MetricText text;
  text.begin("a_total", "counter", "A count.");
  text.add("a_total", {{"status", "200"}}, "1");
  text.begin("a_total", "counter", "A count.");
  text.add("a_total", {{"status", "403"}, {"path", "x"}}, "2.5");
  text.add_one("b", "gauge", "Another.", 0.1);
  EXPECT_EQ(text.text(),
            "# HELP a_total A count.\n# TYPE a_total counter\na_total{status=\"200\"} 1\n"
            "a_total{status=\"403\",path=\"x\"} 2.5\n# HELP b Another.\n# TYPE b gauge\nb 0.1\n");
}

TEST(MetricTextTest, WhatWouldEndALabelOrALineIsEscaped) {
  MetricText text;
  text.begin("a", "gauge", "one\ntwo \\ \"three\"");
  text.add("a", {{"org", "\"} 1\nb{c=\"\\"}}, "NaN");
  EXPECT_EQ(text.text(),
            "# HELP a one\\ntwo \\\\ \"three\"\n# TYPE a gauge\n"
            "a{org=\"\\\"} 1\\nb{c=\\\"\\\\\"} NaN\n");
}

TEST(MetricTextTest, NumbersAreShownWhole) {
  MetricText text;
  text.add_one("a", "gauge", "A.", 1'234'567'890);
  text.add_one("b", "gauge", "B.", 1e300);
  EXPECT_NE(text.text().find("\na 1234567890\n"), std::string::npos);
  EXPECT_NE(text.text().find("\nb 1e+300\n"), std::string::npos);
}

}  // namespace
}  // namespace coach_sms
