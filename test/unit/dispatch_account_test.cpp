#include <atomic>
#include <map>

#include "dispatch_fixture.hpp"

// What an account can take, and how its orgs share it.

namespace coach_sms::test {
namespace {

constexpr const char* kOther = "AC2";

// Gives the answer of answer_with(), and none before.
class PatientServer {
 public:
  PatientServer()
      : server([this](Peer& peer, const SeenRequest&) {
          const std::string what = next_answer();
          what.empty() ? peer.wait_until_closed() : peer.send(what);
        }) {}

  void answer_with(std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    what_ = std::move(what);
  }

 private:
  std::string next_answer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return what_;
  }

  std::mutex mutex_;
  std::string what_ = created();

 public:
  LoopbackServer server;
};

class DispatchAccountTest : public DispatchTest {
 protected:
  static DispatchOptions with_room_for(int requests, const LoopbackServer& server) {
    DispatchOptions options = options_for(server);
    options.max_in_flight_per_account = requests;
    return options;
  }

  // Makes the dispatch know which account the orgs 1 to count use.
  static void introduce(Dispatch& dispatch, int count, const std::string& account = kAccountSid) {
    for (int org = 1; org <= count; ++org)
      finished_of(dispatch, task(1'000 + org, org), route(account));
  }

  static std::map<int, int> limits(Dispatch& dispatch, std::vector<ClaimOrder> orders) {
    dispatch.drop_held(&orders, clock_us);
    std::map<int, int> limits;
    for (const ClaimOrder& order : orders)
      limits[order.lane.org.bytes[15]] = order.limit;
    return limits;
  }

  // One turn of the sender's planning, for lanes that never run dry.
  std::vector<int> plan(Dispatch& dispatch) {
    std::vector<ClaimOrder> orders = lanes.next_claims(clock_us, 100);
    dispatch.drop_held(&orders, clock_us);
    std::vector<int> orgs;
    for (const ClaimOrder& order : orders) {
      orgs.push_back(order.lane.org.bytes[15]);
      lanes.claimed(order, order.limit, {clock_us, {}}, kNever, clock_us);
    }
    return orgs;
  }

  PatientServer twilio;
};

using Limits = std::map<int, int>;

TEST_F(DispatchAccountTest, OrgsOfTheSameAccountShareItsRoomEvenly) {
  Dispatch dispatch(with_room_for(10, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 3);
  EXPECT_EQ(limits(dispatch, {order(1, 60), order(2, 60), order(3, 60)}),
            (Limits{{1, 4}, {2, 3}, {3, 3}}));
}

TEST_F(DispatchAccountTest, WhatOneOrgDoesNotWantTheOthersGet) {
  Dispatch dispatch(with_room_for(10, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  EXPECT_EQ(limits(dispatch, {order(1, 2), order(2, 60)}), (Limits{{1, 2}, {2, 8}}));
}

TEST_F(DispatchAccountTest, AnAccountWithRoomForAllLowersNothing) {
  Dispatch dispatch(with_room_for(100, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  EXPECT_EQ(limits(dispatch, {order(1, 20), order(2, 30)}), (Limits{{1, 20}, {2, 30}}));
}

TEST_F(DispatchAccountTest, AnOrgNeverSeenBeforeIsLetThrough) {
  Dispatch dispatch(with_room_for(1, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 1);
  EXPECT_EQ(limits(dispatch, {order(1, 20), order(2, 30)}), (Limits{{1, 1}, {2, 30}}));
}

TEST_F(DispatchAccountTest, WhatAnAccountCannotTakeIsGivenBackUnsent) {
  Dispatch dispatch(with_room_for(4, twilio.server), &now_us, &lanes, &holds);
  for (int number = 1; number <= 10; ++number)
    dispatch.send(task(number, number), route());
  EXPECT_EQ(dispatch.in_flight(), 4U);
  drive_until_finished(dispatch, 10);
  int started = 0;
  for (const FinishedTask& finished : take(dispatch))
    started += finished.started ? 1 : 0;
  EXPECT_EQ(started, 4);
  EXPECT_EQ(attempts_at(twilio.server), 4);
}

TEST_F(DispatchAccountTest, FullPlacesAreFreeAgainHoweverTheirRequestsEnd) {
  RefusingPort refusing;
  DispatchOptions options = options_for(refusing.address());
  options.max_in_flight_per_account = 2;
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  for (int round = 0; round < 5; ++round) {
    dispatch.send(task(1), route());
    Task late = task(2);
    late.lease_until = clock_us;
    dispatch.send(late, route());
    dispatch.send(task(3), route());  // given back
    dispatch.send(task(4), route("bad sid"));
    dispatch.send(sandbox_task(5), route());
    drive_until_finished(dispatch, 5);
    take(dispatch);
    EXPECT_EQ(limits(dispatch, {order(1, 60)}), (Limits{{1, 2}})) << round;
  }
}

TEST_F(DispatchAccountTest, AnOrgWhoseAccountIsFullGoesOnAsSoonAsARequestIsOver) {
  Dispatch dispatch(with_room_for(1, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  lanes.note({org_id(1), "", 0}, clock_us);
  lanes.note({org_id(2), "", 0}, clock_us);
  dispatch.send(task(1), route());
  EXPECT_TRUE(plan(dispatch).empty());
  const std::int64_t wait = lanes.next_due(clock_us) - clock_us;
  EXPECT_GE(wait, kSecond / 10) << "no spinning";
  EXPECT_LE(wait, kSecond) << "and not lost if nobody calls";
  drive_until_finished(dispatch, 1);
  EXPECT_EQ(lanes.next_due(clock_us), clock_us);
  EXPECT_EQ(plan(dispatch), std::vector{1});
}

TEST_F(DispatchAccountTest, WithRoomForOneRequestEveryOrgOfTheAccountHasItsTurn) {
  Dispatch dispatch(with_room_for(1, twilio.server), &now_us, &lanes, &holds);
  constexpr int kOrgs = 5;
  introduce(dispatch, kOrgs);
  finished_of(dispatch, task(2'000, 9), route(kOther));
  for (const int org : {1, 2, 9, 3, 4, 5})
    lanes.note({org_id(org), "", 0}, clock_us);
  std::map<int, int> served;
  for (int round = 0; round < 20; ++round) {
    int requests = 0;
    for (const int org : plan(dispatch)) {
      ++served[org];
      dispatch.send(task(++requests, org), route(org == 9 ? kOther : kAccountSid));
    }
    ASSERT_GE(requests, 1);
    drive_until_finished(dispatch, static_cast<std::size_t>(requests));
    take(dispatch);
    clock_us += 1'000;
  }
  for (int org = 1; org <= kOrgs; ++org)
    EXPECT_EQ(served[org], 4) << org;
  EXPECT_EQ(served[9], 20) << "another account is not concerned";
}

TEST_F(DispatchAccountTest, ABacklogDoesNotStandBeforeAnotherOrgOfTheSameAccount) {
  Dispatch dispatch(with_room_for(2, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  lanes.note({org_id(1), "", 0}, clock_us);
  dispatch.send(task(1, 1), route());
  dispatch.send(task(2, 1), route());
  EXPECT_TRUE(plan(dispatch).empty());
  lanes.note({org_id(2), "", 0}, clock_us);
  EXPECT_TRUE(plan(dispatch).empty());
  drive_until_finished(dispatch, 2);
  EXPECT_EQ(limits(dispatch, lanes.next_claims(clock_us, 100)), (Limits{{1, 1}, {2, 1}}));
}

// The circuit

TEST_F(DispatchAccountTest, BadCredentialsStopAnAccountOneRequestFindsOutAndSuccessStartsItAgain) {
  Dispatch dispatch(with_room_for(50, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  twilio.answer_with(answer(401, R"({"code":20003,"message":"Authenticate"})"));
  EXPECT_TRUE(finished_of(dispatch, task(1), route()).settlement.account_trouble);
  lanes.note({org_id(1), "", 0}, clock_us);
  lanes.note({org_id(2), "", 0}, clock_us);
  EXPECT_TRUE(plan(dispatch).empty());
  EXPECT_FALSE(finished_of(dispatch, task(2, 3), route()).started) << "claimed before it was known";
  EXPECT_TRUE(finished_of(dispatch, task(3, 4), route(kOther)).started);

  clock_us = lanes.next_due(clock_us);
  EXPECT_EQ(clock_us, 6 * kSecond);
  EXPECT_EQ(plan(dispatch), std::vector{1});
  twilio.answer_with(created());
  dispatch.send(task(4), route());
  EXPECT_TRUE(plan(dispatch).empty()) << "one probe at a time";
  drive_until_finished(dispatch, 1);
  EXPECT_EQ(limits(dispatch, lanes.next_claims(clock_us, 100)), (Limits{{1, 25}, {2, 25}}));
}

TEST_F(DispatchAccountTest, OneOrgsWrongTokenHoldsNoOtherOfTheSameAccount) {
  Dispatch dispatch(with_room_for(50, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 2);
  twilio.answer_with(answer(401, R"({"code":20003,"message":"Authenticate"})"));
  Route stale = route();
  stale.token = Secret("replaced at Twilio");
  EXPECT_TRUE(finished_of(dispatch, task(1, 1), stale).settlement.account_trouble);
  EXPECT_EQ(limits(dispatch, {order(1), order(2)}), (Limits{{2, 10}}));
}

// A proxy that does not like one text, say.
TEST_F(DispatchAccountTest, ARefusalWithoutACodeCountsUnlessTheAccountIsInTroubleAlready) {
  Dispatch dispatch(with_room_for(50, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 1);
  for (const char* status : {"403", "404"}) {
    twilio.answer_with(answer(std::stoi(status), "<html>"));
    const FinishedTask first = finished_of(dispatch, task(1), route());
    EXPECT_TRUE(first.settlement.account_trouble);
    EXPECT_TRUE(first.settlement.counts_as_attempt) << "others go";
    clock_us += 5 * kSecond;
    EXPECT_FALSE(finished_of(dispatch, task(2), route()).settlement.counts_as_attempt) << "a probe";
    clock_us += 10 * kSecond;
    twilio.answer_with(created());
    finished_of(dispatch, task(3), route());
  }
}

TEST_F(DispatchAccountTest, A429HoldsTheAccountForAsLongAsItSaysAndHalvesItsRoom) {
  Dispatch dispatch(with_room_for(50, twilio.server), &now_us, &lanes, &holds);
  introduce(dispatch, 1);
  twilio.answer_with(answer(429, R"({"code":20429})", "Retry-After: 3\r\n"));
  EXPECT_FALSE(finished_of(dispatch, task(1), route()).settlement.counts_as_attempt);
  lanes.note({org_id(1), "", 0}, clock_us);
  EXPECT_TRUE(plan(dispatch).empty());
  EXPECT_EQ(lanes.next_due(clock_us), clock_us + 3 * kSecond);
  clock_us += 3 * kSecond;
  EXPECT_EQ(limits(dispatch, {order(1, 60)}), (Limits{{1, 25}}));
}

}  // namespace
}  // namespace coach_sms::test
