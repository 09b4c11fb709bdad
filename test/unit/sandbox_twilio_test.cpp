#include "core/twilio/sandbox_twilio.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/base/error.hpp"
#include "core/twilio/twilio_response.hpp"

namespace coach_sms {
namespace {

constexpr const char* kSeed = "0123456789abcdef0123456789abcdef";

OutgoingMessage sandbox_message() {
  OutgoingMessage message;
  message.to = "+61400000001";
  message.from = "+15005550006";
  message.body = "hello";
  return message;
}

Settlement settle_sandbox(const OutgoingMessage& message) {
  return settle(sandbox_answer(message, kSeed), 0);
}

TEST(SandboxTwilioTest, AnOrdinaryMessageIsAccepted) {
  const HttpResult answer = sandbox_answer(sandbox_message(), kSeed);
  EXPECT_EQ(answer.progress, HttpProgress::kAnswered);
  EXPECT_EQ(answer.status, 201);
  const Settlement settlement = settle(answer, 0);
  EXPECT_EQ(settlement.outcome, Outcome::kAccepted);
  EXPECT_EQ(settlement.provider_message_id, std::string("SM") + kSeed);
  EXPECT_EQ(settlement.provider_status, "queued");
  EXPECT_EQ(settlement.segments, 1);
  EXPECT_EQ(settlement.error_code, "");
}

TEST(SandboxTwilioTest, AMessagingServiceAcceptsWithoutASender) {
  OutgoingMessage message = sandbox_message();
  message.from = "+15005550007";
  message.messaging_service_sid = "MG1";
  const Settlement settlement = settle_sandbox(message);
  EXPECT_EQ(settlement.outcome, Outcome::kAccepted);
  EXPECT_EQ(settlement.provider_status, "accepted");
}

TEST(SandboxTwilioTest, EachMagicRecipientGivesItsError) {
  const std::map<std::string, std::string> table = {{"+15005550001", "21211"},
                                                    {"+15005550002", "21612"},
                                                    {"+15005550003", "21408"},
                                                    {"+15005550004", "21610"},
                                                    {"+15005550009", "21614"}};
  for (const auto& [to, code] : table) {
    OutgoingMessage message = sandbox_message();
    message.to = to;
    const Settlement settlement = settle_sandbox(message);
    EXPECT_EQ(settlement.outcome, Outcome::kRejected) << to;
    EXPECT_EQ(settlement.error_code, code) << to;
    EXPECT_NE(settlement.error_message, "") << to;
  }
}

TEST(SandboxTwilioTest, EachMagicSenderGivesItsError) {
  const std::map<std::string, std::string> table = {
      {"+15005550001", "21212"}, {"+15005550007", "21606"}, {"+15005550008", "21611"}};
  for (const auto& [from, code] : table) {
    OutgoingMessage message = sandbox_message();
    message.from = from;
    EXPECT_EQ(settle_sandbox(message).error_code, code) << from;
  }
}

TEST(SandboxTwilioTest, SegmentsAreCountedAndTheBodyComesBack) {
  OutgoingMessage message = sandbox_message();
  const std::string body = "\"quoted\"\r\n" + std::string(160, 'x');
  message.body = body;
  const HttpResult answer = sandbox_answer(message, kSeed);
  EXPECT_EQ(settle(answer, 0).segments, 2);
  EXPECT_EQ(read_message(answer.body)->body, body);
  EXPECT_EQ(read_message(answer.body)->to, "+61400000001");
}

TEST(SandboxTwilioTest, ASeedIs32HexDigits) {
  for (const std::string seed :
       {"", "0123", "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_THROW(sandbox_answer(sandbox_message(), seed), Error) << seed;
  }
}

}  // namespace
}  // namespace coach_sms
