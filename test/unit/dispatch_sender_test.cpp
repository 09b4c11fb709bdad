#include <atomic>
#include <chrono>
#include <map>

#include "dispatch_fixture.hpp"

// What a refusal of the sender means for its messages, and for those of others.

namespace coach_sms::test {
namespace {

std::string refusal(int code) {
  return answer(400, R"({"code":)" + std::to_string(code) + R"(,"message":"no such sender"})");
}

class DispatchSenderTest : public DispatchTest {
 protected:
  static Task task_to(int number, const std::string& to, int org = 1) {
    Task made = task(number, org);
    made.to = to;
    return made;
  }
  // The limits that claims of these orgs get.
  static std::map<int, int> limits(Dispatch& dispatch, std::vector<ClaimOrder> orders) {
    dispatch.drop_held(&orders, clock_us);
    std::map<int, int> limits;
    for (const ClaimOrder& order : orders)
      limits[order.lane.org.bytes[15]] = order.limit;
    return limits;
  }
  void get_into_trouble(Dispatch& dispatch) {
    works = false;
    finished_of(dispatch, task_to(1, "+61400000001"), route());
    finished_of(dispatch, task_to(2, "+61400000002"), route());
  }

  std::atomic<bool> works = false;
  std::atomic<int> code = 21606;
  LoopbackServer twilio{
      [this](Peer& peer, const SeenRequest&) { peer.send(works ? created() : refusal(code)); }};
};

TEST_F(DispatchSenderTest, TheFirstRefusalIsTriedOnceMoreTheNextOfTheSameMessageIsForGood) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  const FinishedTask first = finished_of(dispatch, task(1), route());
  EXPECT_EQ(first.settlement.outcome, Outcome::kRetry);
  EXPECT_TRUE(first.settlement.counts_as_attempt);
  EXPECT_FALSE(first.settlement.sender_trouble);
  Task again = task(1);
  again.failures = 1;
  const FinishedTask second = finished_of(dispatch, again, route());
  EXPECT_EQ(second.settlement.outcome, Outcome::kRejected);
  EXPECT_EQ(second.settlement.error_code, "21606");
}

TEST_F(DispatchSenderTest, EveryCodeOfTheKindIsTroubleOfTheSenderAndNoOther) {
  for (const auto& [refused_with, is_trouble] : std::map<int, bool>{{21212, true},
                                                                    {21606, true},
                                                                    {21612, true},
                                                                    {21659, true},
                                                                    {21660, true},
                                                                    {21661, true},
                                                                    {21703, true},
                                                                    {21705, true},
                                                                    {21408, false},
                                                                    {21610, false},
                                                                    {21211, false},
                                                                    {21617, false}}) {
    code = refused_with;
    Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
    finished_of(dispatch, task_to(1, "+61400000001"), route());
    const FinishedTask second = finished_of(dispatch, task_to(2, "+61400000002"), route());
    EXPECT_EQ(second.settlement.sender_trouble, is_trouble) << refused_with;
    EXPECT_EQ(second.settlement.counts_as_attempt, !is_trouble) << refused_with;
    EXPECT_EQ(second.settlement.outcome, is_trouble ? Outcome::kRetry : Outcome::kRejected);
  }
}

TEST_F(DispatchSenderTest, InTroubleItsOrgsAreHeldAndAnothersGoOn) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  Route other = route();
  other.from = "Peak-Fit";
  get_into_trouble(dispatch);
  works = true;
  finished_of(dispatch, task_to(3, "+61400000003", 2), other);
  EXPECT_EQ(limits(dispatch, {order(1), order(2)}), (std::map<int, int>{{2, 10}}));
  EXPECT_FALSE(finished_of(dispatch, task_to(4, "+61400000004", 3), route()).started)
      << "claimed before it was known";
  clock_us += 5 * kSecond;
  EXPECT_EQ(limits(dispatch, {order(1), order(2)}), (std::map<int, int>{{1, 1}, {2, 10}}));
  EXPECT_EQ(finished_of(dispatch, task_to(5, "+61400000005"), route()).settlement.outcome,
            Outcome::kAccepted);
  EXPECT_EQ(limits(dispatch, {order(1), order(2)}), (std::map<int, int>{{1, 10}, {2, 10}}));
}

TEST_F(DispatchSenderTest, WhatWasRefusedWaitsLongerThanTheHoldSoThatAnotherIsTheProbe) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  get_into_trouble(dispatch);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    clock_us += 300 * kSecond;
    Task probe = task_to(3, "+61400000003");
    probe.attempt = attempt;
    probe.lease_until = clock_us + 600 * kSecond;
    const Settlement settlement = finished_of(dispatch, probe, route()).settlement;
    EXPECT_TRUE(settlement.sender_trouble);
    const std::int64_t hold = 10 * kSecond << (attempt - 1);
    EXPECT_EQ(std::chrono::microseconds(settlement.retry_after).count(), hold * (1 + attempt));
  }
}

TEST_F(DispatchSenderTest, AMessagesOwnSenderHoldsNoOtherOfTheOrg) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  for (const int number : {1, 2}) {
    Task own = task_to(number, "+6140000000" + std::to_string(number));
    own.from = "+61499999999";
    finished_of(dispatch, own, route());
  }
  EXPECT_EQ(limits(dispatch, {order(1)}), (std::map<int, int>{{1, 10}}));
  Task own = task_to(3, "+61400000003");
  own.from = "+61499999999";
  own.due_at = clock_us;
  const FinishedTask held = finished_of(dispatch, own, route());
  EXPECT_FALSE(held.started);
  EXPECT_EQ(held.task.due_at, clock_us + 5 * kSecond) << "it goes back until then";
}

TEST_F(DispatchSenderTest, AnotherSenderInTheSettingsIsTriedAtOnce) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  get_into_trouble(dispatch);
  dispatch.settings_changed();
  works = true;
  Route corrected = route();
  corrected.from = "+61400000099";
  EXPECT_TRUE(finished_of(dispatch, task_to(3, "+61400000003"), corrected).started);
  EXPECT_EQ(limits(dispatch, {order(1)}), (std::map<int, int>{{1, 10}}));
}

TEST_F(DispatchSenderTest, AnotherModeWaitsForNothingOfThis) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  get_into_trouble(dispatch);
  EXPECT_TRUE(limits(dispatch, {order(1)}).empty());
  EXPECT_TRUE(holds.changes(1).front().hold.has_value());
  dispatch.mode_changed();
  EXPECT_EQ(limits(dispatch, {order(1)}), (std::map<int, int>{{1, 10}}));
  for (const HoldChange& change : holds.changes(10))
    EXPECT_FALSE(change.hold.has_value()) << name_of(change.key);
}

TEST_F(DispatchSenderTest, InTheSandboxMagicNumbersFailAsDocumented) {
  Dispatch dispatch(options_for(twilio), &now_us, &lanes, &holds);
  Route magic = route();
  magic.from = "+15005550007";
  for (int number = 1; number <= 3; ++number) {
    Task made = sandbox_task(number);
    made.to = "+6140000000" + std::to_string(number);
    dispatch.send(made, magic);
  }
  for (const FinishedTask& finished : take(dispatch)) {
    EXPECT_EQ(finished.settlement.outcome, Outcome::kRejected);
    EXPECT_EQ(finished.settlement.error_code, "21606");
  }
}

}  // namespace
}  // namespace coach_sms::test
