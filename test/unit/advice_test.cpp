#include "core/sending/advice.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {
namespace {

std::string cure_of(const char* error_code) {
  return advice_on(error_code).cure;
}

TEST(AdviceTest, OurWordsHaveACureOfTheirOwn) {
  EXPECT_EQ(cure_of("expired"), "see the reason for its wait: quiet hours, a limit, a pause");
  EXPECT_EQ(cure_of("connect_failed"), "check the server's network, proxy and CA file");
  EXPECT_TRUE(advice_on("connect_failed").send_again);
}

TEST(AdviceTest, NobodyIsTextedAgainWhoMayHaveTheTextOrWantsNone) {
  for (const char* code : {"opted_out", "21610", "outcome_unknown"})
    EXPECT_FALSE(advice_on(code).send_again) << code;
  EXPECT_EQ(cure_of("21610"), cure_of("opted_out"));
}

TEST(AdviceTest, ATwilioErrorHasTheCureOfItsReasonOrClass) {
  EXPECT_EQ(cure_of("20003"), "correct the account's token");
  EXPECT_EQ(cure_of("30034"), "register the sender with Twilio");
  EXPECT_EQ(cure_of("21211"), "correct the client's number, which is suppressed now");
  EXPECT_EQ(cure_of("21617"), "change the text or the number");
  EXPECT_EQ(cure_of("30008"), "send it again later");
}

TEST(AdviceTest, ANumberIsSaidToBeSuppressedOnlyWhereItIs) {
  for (const char* code : {"30005", "30006"}) {
    ASSERT_EQ(suppression_reason(error_number(code)), nullptr);
    EXPECT_EQ(cure_of(code), "check the client's number: it may be a landline, or out of reach");
  }
}

TEST(AdviceTest, TheSameRequestIsNotWorthAnotherTry) {
  EXPECT_FALSE(advice_on("http_413").send_again);
  EXPECT_FALSE(advice_on("21211").send_again);
  EXPECT_FALSE(advice_on("21617").send_again);
}

TEST(AdviceTest, AnErrorWithoutACauseMayPass) {
  for (const char* code : {"", "undelivered", "provider_failed", "30003x", "-1", "99999999999999"})
    EXPECT_EQ(cure_of(code), "send it again later") << code;
}

}  // namespace
}  // namespace coach_sms
