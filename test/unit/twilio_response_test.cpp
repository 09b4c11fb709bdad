#include "core/twilio/twilio_response.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kNow = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT

Settlement settle_answer(int status, std::string body, std::string retry_after = {}) {
  HttpResult result;
  result.progress = HttpProgress::kAnswered;
  result.status = status;
  result.body = std::move(body);
  result.retry_after = std::move(retry_after);
  return settle(result, kNow);
}

std::string refusal(int code, const std::string& message = "said Twilio") {
  return R"({"code":)" + std::to_string(code) + R"(,"message":")" + message +
         R"(","more_info":"https://www.twilio.com/docs/errors/","status":400})";
}

std::string message_with(const std::string& more) {
  return R"({"sid":"SM0123456789abcdef0123456789abcdef")" + more + "}";
}

TEST(SettleTest, A201WithASidIsAccepted) {
  const Settlement settlement = settle_answer(
      201, message_with(R"(,"status":"queued","price":null,"price_unit":"USD","num_segments":"2",
                          "error_code":null,"error_message":null)"));
  EXPECT_EQ(settlement.outcome, Outcome::kAccepted);
  EXPECT_EQ(settlement.provider_message_id, "SM0123456789abcdef0123456789abcdef");
  EXPECT_EQ(settlement.provider_status, "queued");
  EXPECT_EQ(settlement.error_code, "");
  EXPECT_EQ(settlement.error_message, "");
  EXPECT_EQ(settlement.price, "");
  EXPECT_EQ(settlement.price_unit, "USD");
  EXPECT_EQ(settlement.segments, 2);
  EXPECT_TRUE(settlement.counts_as_attempt);
  EXPECT_FALSE(settlement.account_trouble);
  EXPECT_FALSE(settlement.slow_down);
  EXPECT_EQ(settlement.suppress_reason, nullptr);
}

TEST(SettleTest, Any2xxWithASidIsAccepted) {
  for (const int status : {200, 201, 202, 206, 299}) {
    for (const char* word : {"accepted", "queued", "sending", "sent", "delivered", "scheduled",
                             "a_word_of_tomorrow"}) {
      const auto settlement =
          settle_answer(status, message_with(std::string(R"(,"status":")") + word + "\""));
      EXPECT_EQ(settlement.outcome, Outcome::kAccepted) << status << " " << word;
      EXPECT_EQ(settlement.provider_status, word);
    }
  }
}

TEST(SettleTest, AMessageThatFailedAtOnceIsRejectedWithItsSid) {
  const Settlement settlement = settle_answer(
      201, message_with(R"(,"status":"failed","error_code":21610,"error_message":null)"));
  EXPECT_EQ(settlement.outcome, Outcome::kRejected);
  EXPECT_EQ(settlement.provider_message_id, "SM0123456789abcdef0123456789abcdef");
  EXPECT_EQ(settlement.error_code, "21610");
  EXPECT_EQ(settlement.error_message, "Attempt to send to unsubscribed recipient");
  EXPECT_STREQ(settlement.suppress_reason, "opt_out");
}

TEST(SettleTest, AFailureWithoutACodeIsNamedByUs) {
  const Settlement settlement = settle_answer(201, message_with(R"(,"status":"canceled")"));
  EXPECT_EQ(settlement.outcome, Outcome::kRejected);
  EXPECT_EQ(settlement.error_code, "provider_failed");
  EXPECT_EQ(settlement.error_message, "Twilio's status is canceled");
  EXPECT_EQ(settlement.suppress_reason, nullptr);
}

TEST(SettleTest, A2xxWithoutAReadableSidIsUnknown) {
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("{}"), std::string("[]"),
        std::string("\"SM1\""), std::string(R"({"sid":)"), std::string(R"({"sid":"SM1)"),
        std::string(R"({"sid":"SM1"}trailing)"), std::string(R"({"sid":null,"status":"queued"})"),
        std::string(R"({"sid":["SM1"]})"), std::string(R"({"sid":"not a sid"})"),
        std::string("<!DOCTYPE html><html>OK</html>"), std::string("\0\0\0", 3),
        std::string("\xFF\xFE{"), std::string(R"({"sid":"\ud800"})"), std::string("{'sid':'SM1'}"),
        std::string(100'000, '{'), std::string(1'000'000, '['),
        message_with(R"(,"body":")" + std::string(5'000'000, 'x') + "\"")}) {
    SCOPED_TRACE(body.substr(0, 60));
    const Settlement settlement = settle_answer(201, body);
    EXPECT_EQ(settlement.outcome, Outcome::kUnknown);
    EXPECT_EQ(settlement.error_code, "bad_answer");
    EXPECT_NE(settlement.error_message, "");
    EXPECT_EQ(settlement.provider_message_id, "");
    EXPECT_TRUE(settlement.counts_as_attempt);
  }
}

TEST(SettleTest, ARejectionCarriesTwiliosCodeAndMessage) {
  const Settlement settlement = settle_answer(400, refusal(21617, "The body is too long"));
  EXPECT_EQ(settlement.outcome, Outcome::kRejected);
  EXPECT_EQ(settlement.error_code, "21617");
  EXPECT_EQ(settlement.error_message, "The body is too long");
  EXPECT_TRUE(settlement.counts_as_attempt);
  EXPECT_FALSE(settlement.account_trouble);
  EXPECT_EQ(settlement.suppress_reason, nullptr);
}

TEST(SettleTest, ARecipientsFaultNamesTheReasonToSuppress) {
  const std::map<int, std::string> reasons = {
      {21610, "opt_out"}, {21211, "invalid_number"}, {21614, "invalid_number"}};
  for (const auto& [code, reason] : reasons) {
    const Settlement settlement = settle_answer(400, refusal(code));
    EXPECT_EQ(settlement.outcome, Outcome::kRejected) << code;
    ASSERT_NE(settlement.suppress_reason, nullptr) << code;
    EXPECT_EQ(settlement.suppress_reason, reason) << code;
  }
}

// What settle must make of a code that came with a plain 400, by its row in the table.
struct Expected {
  Outcome outcome;
  bool counts_as_attempt;
  bool account_trouble;
  bool slow_down;
};

Expected expected_for(const TwilioError& error) {
  const std::string reason = error.reason;
  switch (error.error_class) {
    case ErrorClass::kRateLimited:
      return {Outcome::kRetry, false, false, true};
    case ErrorClass::kTransient:
      return {Outcome::kRetry, true, false, false};
    case ErrorClass::kPermanentConfig:
      if (reason == "credentials" || reason == "account" || reason == "tls" ||
          reason == "not_found") {
        return {Outcome::kRetry, false, true, false};
      }
      break;
    case ErrorClass::kPermanentRecipient:
    case ErrorClass::kPermanentMessage:
      break;
  }
  return {Outcome::kRejected, true, false, false};
}

TEST(SettleTest, EveryCodeOfTheTableIsSettledByItsClass) {
  int codes = 0;
  for (int code = 20'000; code < 40'000; ++code) {
    const TwilioError* error = find_twilio_error(code);
    if (!error) continue;
    ++codes;
    SCOPED_TRACE(code);
    const Expected expected = expected_for(*error);
    const Settlement settlement = settle_answer(400, refusal(code));
    EXPECT_EQ(settlement.outcome, expected.outcome);
    EXPECT_EQ(settlement.counts_as_attempt, expected.counts_as_attempt);
    EXPECT_EQ(settlement.account_trouble, expected.account_trouble);
    EXPECT_EQ(settlement.slow_down, expected.slow_down);
    EXPECT_EQ(settlement.error_code, std::to_string(code));
    EXPECT_EQ(settlement.error_message, "said Twilio");
    if (settlement.outcome != Outcome::kRejected) {
      EXPECT_EQ(settlement.suppress_reason, nullptr);
    }
  }
  EXPECT_EQ(codes, 251);
}

TEST(SettleTest, A429IsRetriedSlowerAndEatsNoAttempt) {
  for (const std::string& body : {refusal(20429), refusal(21610), refusal(20003), std::string(),
                                  std::string("<html>slow down</html>")}) {
    const Settlement settlement = settle_answer(429, body);
    EXPECT_EQ(settlement.outcome, Outcome::kRetry) << body;
    EXPECT_FALSE(settlement.counts_as_attempt) << body;
    EXPECT_TRUE(settlement.slow_down) << body;
    EXPECT_FALSE(settlement.account_trouble) << body;
    EXPECT_EQ(settlement.suppress_reason, nullptr) << body;
    EXPECT_EQ(settlement.retry_after, milliseconds(0)) << body;
  }
  EXPECT_EQ(settle_answer(429, "").error_code, "http_429");
  EXPECT_EQ(settle_answer(429, refusal(20429)).error_code, "20429");
}

TEST(SettleTest, RetryAfterIsSecondsOrADate) {
  const auto retry_after = [](const char* header) {
    return settle_answer(429, "", header).retry_after;
  };
  EXPECT_EQ(retry_after("0"), seconds(0));
  EXPECT_EQ(retry_after("1"), seconds(1));
  EXPECT_EQ(retry_after("120"), seconds(120));
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:50:37 GMT"), seconds(60));
  EXPECT_EQ(retry_after("Sunday, 06-Nov-94 08:50:37 GMT"), seconds(60));
  EXPECT_EQ(retry_after("Sun Nov  6 08:50:37 1994"), seconds(60));
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:40:00 GMT"), seconds(0)) << "in the past";
}

TEST(SettleTest, RetryAfterIsNeverMoreThanADay) {
  for (const char* header :
       {"86401", "999999999", "99999999999999999999999999", "Sun, 06 Nov 2094 08:49:37 GMT"}) {
    EXPECT_EQ(settle_answer(429, "", header).retry_after, hours(24)) << header;
  }
}

TEST(SettleTest, ARetryAfterThatIsGarbageIsIgnored) {
  for (const char* header : {"", "soon", "-5", "1.5", "+3", "12 s", "0x10", "1e3", "12,13"}) {
    const Settlement settlement = settle_answer(429, "", header);
    EXPECT_EQ(settlement.retry_after, seconds(0)) << header;
    EXPECT_EQ(settlement.outcome, Outcome::kRetry) << header;
  }
}

TEST(SettleTest, RetryAfterIsHonouredForEveryRetry) {
  EXPECT_EQ(settle_answer(400, refusal(21730), "30").retry_after, seconds(30));
  EXPECT_EQ(settle_answer(401, refusal(20003), "30").retry_after, seconds(30));
  EXPECT_EQ(settle_answer(400, refusal(21610), "30").retry_after, seconds(0)) << "a rejection";
}

TEST(SettleTest, BadCredentialsHoldTheAccountAndNotTheMessage) {
  const std::map<int, std::string> answers = {
      {401, refusal(20003)}, {403, refusal(20403)}, {404, refusal(20404)}, {400, refusal(20003)}};
  for (const auto& [status, body] : answers) {
    const Settlement settlement = settle_answer(status, body);
    EXPECT_EQ(settlement.outcome, Outcome::kRetry) << status;
    EXPECT_FALSE(settlement.counts_as_attempt) << status;
    EXPECT_TRUE(settlement.account_trouble) << status;
    EXPECT_FALSE(settlement.slow_down) << status;
  }
  for (const int status : {401, 403, 404}) {
    const Settlement settlement = settle_answer(status, "<html>no</html>");
    EXPECT_EQ(settlement.outcome, Outcome::kRetry) << status;
    EXPECT_TRUE(settlement.account_trouble) << status;
    EXPECT_EQ(settlement.error_code, "http_" + std::to_string(status));
  }
}

TEST(SettleTest, AForbiddenMessageIsNotAForbiddenAccount) {
  const Settlement settlement = settle_answer(403, refusal(21610));
  EXPECT_EQ(settlement.outcome, Outcome::kRejected);
  EXPECT_FALSE(settlement.account_trouble);
  EXPECT_STREQ(settlement.suppress_reason, "opt_out");
}

TEST(SettleTest, AFaultOfOneSenderOrCountryLeavesTheAccountOpen) {
  for (const int code : {21212, 21606, 21408, 21612, 21703, 21608}) {
    const Settlement settlement = settle_answer(400, refusal(code));
    EXPECT_EQ(settlement.outcome, Outcome::kRejected) << code;
    EXPECT_FALSE(settlement.account_trouble) << code;
  }
}

TEST(SettleTest, ARefusalWithoutATwilioCodeIsJudgedByItsStatus) {
  for (const std::string& body :
       {std::string(), std::string("<html>Bad Request</html>"), std::string("{\"code\":"),
        std::string("[1]"), std::string(R"({"code":null})"), std::string(R"({"code":"21211"})"),
        std::string(R"({"code":-7})"), std::string(R"({"code":99999999999})"),
        std::string(R"({"code":1e400})"), std::string(1'000'000, '['),
        std::string(5'000'000, ' ')}) {
    SCOPED_TRACE(body.substr(0, 40));
    const Settlement settlement = settle_answer(400, body);
    EXPECT_EQ(settlement.outcome, Outcome::kRejected);
    EXPECT_EQ(settlement.error_code, "http_400");
    EXPECT_EQ(settlement.error_message, "HTTP status 400 without a message from Twilio");
  }
  EXPECT_EQ(settle_answer(400, R"({"message":"no code"})").error_message, "no code");
  EXPECT_EQ(settle_answer(413, "").outcome, Outcome::kRejected);
}

TEST(SettleTest, ACodeWithoutAMessageTakesItsTitle) {
  EXPECT_EQ(settle_answer(400, R"({"code":21211})").error_message, "Invalid 'To' Phone Number");
}

TEST(SettleTest, AnUnknownCodeIsJudgedByItsStatus) {
  EXPECT_EQ(settle_answer(400, refusal(99999)).outcome, Outcome::kRejected);
  EXPECT_EQ(settle_answer(400, refusal(99999)).error_code, "99999");
  EXPECT_TRUE(settle_answer(401, refusal(99999)).account_trouble);
  EXPECT_TRUE(settle_answer(403, refusal(99999)).account_trouble);
  EXPECT_TRUE(settle_answer(404, refusal(99999)).account_trouble);
}

TEST(SettleTest, AnAnswerThatProvesNothingIsUnknown) {
  for (const int status :
       {0, 100, 101, 103, 300, 301, 302, 307, 399, 408, 500, 502, 503, 504, 599, 600, 999}) {
    for (const std::string& body : {std::string(), std::string("<html/>"), refusal(20503),
                                    refusal(21610), message_with(R"(,"status":"queued")")}) {
      const Settlement settlement = settle_answer(status, body);
      EXPECT_EQ(settlement.outcome, Outcome::kUnknown) << status << body;
      EXPECT_TRUE(settlement.counts_as_attempt) << status << body;
      EXPECT_FALSE(settlement.account_trouble) << status << body;
      EXPECT_EQ(settlement.suppress_reason, nullptr) << status << body;
      EXPECT_EQ(settlement.retry_after, seconds(0)) << status << body;
    }
    EXPECT_EQ(settle_answer(status, "").error_code, "http_" + std::to_string(status));
  }
  EXPECT_EQ(settle_answer(503, refusal(20503)).error_code, "20503");
}

TEST(SettleTest, WhatNeverLeftIsRetriedAsAnAttempt) {
  HttpResult result;
  result.progress = HttpProgress::kUnsent;
  result.error = "Could not resolve host: api.twilio.com";
  const Settlement settlement = settle(result, kNow);
  EXPECT_EQ(settlement.outcome, Outcome::kRetry);
  EXPECT_EQ(settlement.error_code, "connect_failed");
  EXPECT_EQ(settlement.error_message, result.error);
  EXPECT_TRUE(settlement.counts_as_attempt);
}

TEST(SettleTest, WhatLeftWithoutAnAnswerIsUnknown) {
  HttpResult result;
  result.progress = HttpProgress::kUnanswered;
  result.error = "Connection reset\nby peer";
  result.status = 201;  // counts for nothing
  result.body = message_with("");
  const Settlement settlement = settle(result, kNow);
  EXPECT_EQ(settlement.outcome, Outcome::kUnknown);
  EXPECT_EQ(settlement.error_code, "unanswered");
  EXPECT_EQ(settlement.error_message, "Connection reset by peer");
  EXPECT_EQ(settlement.provider_message_id, "");
}

TEST(SettleTest, AMessageOfTwiliosIsCutCleanedAndRidOfCredentials) {
  const std::string token = "fedcba9876543210fedcba9876543210";
  const Settlement settlement =
      settle_answer(400, refusal(21211, "a\\u0000b\xFF " + token + std::string(2000, '.')));
  EXPECT_EQ(settlement.error_message.substr(0, 17), "a b\xEF\xBF\xBD [redacted]");
  EXPECT_EQ(settlement.error_message.size(), 500U);
  EXPECT_EQ(settlement.error_message.find(token), std::string::npos);
  EXPECT_EQ(settlement.error_message.find('\0'), std::string::npos);
}

TEST(SettleTest, AMessageFoundAtTwilioSettlesOurs) {
  ListedMessage found;
  found.sid = "SM1";
  found.status = "delivered";
  found.price = "-0.0075";
  found.price_unit = "USD";
  found.segments = 1;
  Settlement settlement = settle_message(found);
  EXPECT_EQ(settlement.outcome, Outcome::kAccepted);
  EXPECT_EQ(settlement.provider_message_id, "SM1");
  EXPECT_EQ(settlement.provider_status, "delivered");
  EXPECT_EQ(settlement.price, "-0.0075");
  EXPECT_EQ(settlement.segments, 1);
  found.status = "undelivered";
  found.error_code = "30003";
  settlement = settle_message(found);
  EXPECT_EQ(settlement.outcome, Outcome::kRejected);
  EXPECT_EQ(settlement.error_code, "30003");
  EXPECT_EQ(settlement.error_message, "Unreachable destination handset");
  EXPECT_EQ(settlement.suppress_reason, nullptr);
  found.error_code = "30002";
  EXPECT_TRUE(settle_message(found).account_trouble);
}

}  // namespace
}  // namespace coach_sms
