#include "dispatch_fixture.hpp"

// Asking Twilio about a message that it took.

namespace coach_sms::test {
namespace {

constexpr const char* kSid = "SM00000000000000000000000000000001";

class DispatchQuestionTest : public DispatchTest {
 protected:
  static StatusPoll question(const std::string& sid = kSid) {
    return {message_id(1), org_id(1), sid};
  }
  PolledStatus answer_to(const std::string& what) {
    LoopbackServer server([&](Peer& peer, const SeenRequest&) { peer.send(what); });
    Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
    return answered_of(dispatch, question(), route());
  }
  static std::string message_json(const std::string& sid) {
    return R"({"sid":")" + sid +
           R"(","status":"delivered","price":"-0.0075","price_unit":"usd","num_segments":"2"})";
  }
};

TEST_F(DispatchQuestionTest, TheMessageIsFetchedByItsSidFromTheAccountOfTheRoute) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(200, message_json(kSid))); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  const PolledStatus answered = answered_of(dispatch, question(), route());
  EXPECT_TRUE(server.seen().front().head.starts_with(std::string("GET /2010-04-01/Accounts/") +
                                                     kAccountSid + "/Messages/" + kSid + ".json "));
  EXPECT_EQ(answered.question.message, message_id(1));
  EXPECT_EQ(answered.question.org, org_id(1));
  ASSERT_TRUE(answered.message);
  EXPECT_EQ(answered.message->status, "delivered");
  EXPECT_EQ(answered.message->price, "-0.0075");
  EXPECT_EQ(answered.message->price_unit, "USD");
  EXPECT_EQ(answered.message->segments, 2);
}

TEST_F(DispatchQuestionTest, WhatIsNoAnswerToItTellsNothing) {
  EXPECT_FALSE(answer_to(answer(200, message_json("SM2"))).message) << "another message";
  EXPECT_FALSE(answer_to(answer(404, R"({"code":20404})")).message);
  EXPECT_FALSE(answer_to(answer(500, "")).message);
  EXPECT_FALSE(answer_to(answer(200, "<html>")).message);
}

TEST_F(DispatchQuestionTest, AnUnreachableTwilioTellsNothing) {
  const RefusingPort nobody;
  Dispatch dispatch(options_for(nobody.address()), &now_us, &lanes, &holds);
  EXPECT_FALSE(answered_of(dispatch, question(), route()).message);
}

TEST_F(DispatchQuestionTest, NothingIsAskedWithWhatIsNoSid) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_FALSE(dispatch.poll_status(question("../Calls"), route()));
  EXPECT_FALSE(dispatch.poll_status(question(), route("no account")));
  EXPECT_EQ(dispatch.status_polls(), 0U);
}

TEST_F(DispatchQuestionTest, NothingIsAskedOfAnAccountThatAskedToWait) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(429, R"({"code":20429})")); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_TRUE(finished_of(dispatch, task(1), route()).settlement.slow_down);
  EXPECT_FALSE(dispatch.poll_status(question(), route()));
}

TEST_F(DispatchQuestionTest, NothingIsAskedOfAnAccountWhoseTokenIsRefused) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(401, R"({"code":20003})")); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_TRUE(finished_of(dispatch, task(1), route()).settlement.account_trouble);
  EXPECT_FALSE(dispatch.poll_status(question(), route()));
  EXPECT_EQ(attempts_at(server), 1);
}

}  // namespace
}  // namespace coach_sms::test
