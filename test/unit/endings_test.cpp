#include "core/sending/endings.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace coach_sms {
namespace {

std::string class_of_ending(const char* status, const char* error_code) {
  const int ending = ending_of(status, error_code);
  if (ending < 0) return "none";
  EXPECT_STREQ(kEndings[ending].status, status);
  return kEndings[ending].error_class;
}

TEST(EndingsTest, AStatusThatIsNotFinalIsNoEnding) {
  for (const char* status : {"pending", "queued", "sending", "sent", "unknown", ""})
    EXPECT_EQ(class_of_ending(status, "30003"), "none") << status;
}

TEST(EndingsTest, AFailureHasTheClassOfItsError) {
  EXPECT_EQ(class_of_ending("failed", "21211"), "recipient");
  EXPECT_EQ(class_of_ending("failed", "21617"), "message");
  EXPECT_EQ(class_of_ending("failed", "20003"), "configuration");
  EXPECT_EQ(class_of_ending("failed", "30008"), "transient");
  EXPECT_EQ(class_of_ending("failed", "20429"), "rate_limited");
  EXPECT_EQ(class_of_ending("failed", "outcome_unknown"), "outcome_unknown");
  EXPECT_EQ(class_of_ending("failed", "connect_failed"), "transient");
  EXPECT_EQ(class_of_ending("failed", "http_413"), "message");
  for (const char* code : {"", "undelivered", "provider_failed", "30003x", "-1", "99999999999999"})
    EXPECT_EQ(class_of_ending("failed", code), "transient") << code;
}

TEST(EndingsTest, ACancelledMessageHasItsCode) {
  EXPECT_EQ(class_of_ending("cancelled", "opted_out"), "opted_out");
  EXPECT_EQ(class_of_ending("cancelled", "sandbox"), "sandbox");
  EXPECT_EQ(class_of_ending("cancelled", ""), "other");
  EXPECT_EQ(class_of_ending("cancelled", "a word of an application"), "other");
  EXPECT_EQ(class_of_ending("delivered", "30003"), "") << "an error before the delivery";
}

TEST(EndingsTest, EachEndingIsListedOnce) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const MessageEnding& ending : kEndings)
    EXPECT_TRUE(seen.emplace(ending.status, ending.error_class).second) << ending.error_class;
}

}  // namespace
}  // namespace coach_sms
