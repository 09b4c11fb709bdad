#include "dispatch_fixture.hpp"

// Asking Twilio about a message that it took.

namespace coach_sms::test {
namespace {

constexpr const char* kSid = "SM00000000000000000000000000000001";

class DispatchStatusPollTest : public DispatchTest {
 protected:
  static StatusPoll poll_of(const std::string& sid = kSid) {
    return {message_id(1), org_id(1), sid};
  }
  PolledStatus answer_to(const std::string& what) {
    LoopbackServer server([&](Peer& peer, const SeenRequest&) { peer.send(what); });
    Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
    return polled(dispatch, poll_of(), route());
  }
  static std::string message_json(const std::string& sid) {
    return R"({"sid":")" + sid +
           R"(","status":"delivered","price":"-0.0075","price_unit":"usd","num_segments":"2"})";
  }
};

TEST_F(DispatchStatusPollTest, TheMessageIsFetchedByItsSidFromTheAccountOfTheRoute) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(200, message_json(kSid))); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  const PolledStatus status = polled(dispatch, poll_of(), route());
  EXPECT_TRUE(server.seen().front().head.starts_with(std::string("GET /2010-04-01/Accounts/") +
                                                     kAccountSid + "/Messages/" + kSid + ".json "));
  EXPECT_EQ(status.poll.message, message_id(1));
  EXPECT_EQ(status.poll.org, org_id(1));
  ASSERT_TRUE(status.message);
  EXPECT_EQ(status.message->status, "delivered");
  EXPECT_EQ(status.message->price, "-0.0075");
  EXPECT_EQ(status.message->price_unit, "USD");
  EXPECT_EQ(status.message->segments, 2);
}

TEST_F(DispatchStatusPollTest, WhatIsNoAnswerToItTellsNothing) {
  EXPECT_FALSE(answer_to(answer(200, message_json("SM2"))).message) << "another message";
  EXPECT_FALSE(answer_to(answer(404, R"({"code":20404})")).message);
  EXPECT_FALSE(answer_to(answer(500, "")).message);
  EXPECT_FALSE(answer_to(answer(200, "<html>")).message);
}

TEST_F(DispatchStatusPollTest, AnUnreachableTwilioTellsNothing) {
  const RefusingPort nobody;
  Dispatch dispatch(options_for(nobody.address()), &now_us, &lanes, &holds);
  EXPECT_FALSE(polled(dispatch, poll_of(), route()).message);
}

TEST_F(DispatchStatusPollTest, NothingIsAskedWithWhatIsNoSid) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_FALSE(dispatch.poll_status(poll_of("../Calls"), route()));
  EXPECT_FALSE(dispatch.poll_status(poll_of(), route("no account")));
  EXPECT_EQ(dispatch.polls_under_way(), 0U);
}

TEST_F(DispatchStatusPollTest, NothingIsAskedOfAnAccountThatAskedToWait) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(429, R"({"code":20429})")); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_TRUE(finished_of(dispatch, task(1), route()).settlement.slow_down);
  EXPECT_FALSE(dispatch.poll_status(poll_of(), route()));
}

TEST_F(DispatchStatusPollTest, NothingIsAskedOfAnAccountWhoseTokenIsRefused) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest&) { peer.send(answer(401, R"({"code":20003})")); });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_TRUE(finished_of(dispatch, task(1), route()).settlement.account_trouble);
  EXPECT_FALSE(dispatch.poll_status(poll_of(), route()));
  EXPECT_EQ(attempts_at(server), 1);
}

}  // namespace
}  // namespace coach_sms::test
