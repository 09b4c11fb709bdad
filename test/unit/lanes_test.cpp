#include "core/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace coach_sms {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'000 * kSecond;

Uuid uuid(int number) {
  Uuid id;
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number & 255);
  return id;
}

LaneKey lane(int org, int priority = 0) {
  return {uuid(org), priority};
}

LanePosition at(std::int64_t due_at, int message = 1) {
  return {due_at, uuid(message)};
}

std::vector<int> orgs_of(const std::vector<ClaimOrder>& orders) {
  std::vector<int> orgs;
  for (const ClaimOrder& order : orders)
    orgs.push_back(order.lane.org.bytes[14] << 8 | order.lane.org.bytes[15]);
  return orgs;
}

// The one order there is.
ClaimOrder order_of(Lanes& lanes, std::int64_t now = kNow, int want = 10) {
  const std::vector<ClaimOrder> orders = lanes.next_claims(now, want);
  EXPECT_EQ(orders.size(), 1U);
  return orders.empty() ? ClaimOrder{} : orders.front();
}

void found_all_it_asked_for(Lanes& lanes, const ClaimOrder& order) {
  lanes.claimed(order, order.limit, at(kNow), kNever, kNow);
}

void found_nothing(Lanes& lanes, const ClaimOrder& order, std::int64_t now = kNow) {
  lanes.claimed(order, 0, {}, kNever, now);
}

// What is due

TEST(LanesTest, WithoutMessagesThereIsNothingToClaim) {
  Lanes lanes;
  EXPECT_TRUE(lanes.next_claims(kNow, 10).empty());
  EXPECT_EQ(lanes.next_due(kNow), kNever);
  EXPECT_EQ(lanes.size(), 0U);
}

TEST(LanesTest, AMessageIsClaimedFromTheMomentItIsDue) {
  Lanes lanes;
  lanes.note(lane(1), kNow + 5);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 5);
  EXPECT_TRUE(lanes.next_claims(kNow + 4, 10).empty());
  const ClaimOrder order = order_of(lanes, kNow + 5);
  EXPECT_EQ(order.lane, lane(1));
  EXPECT_EQ(order.limit, 10);
  EXPECT_LT(order.after, at(kNow + 5, 0));
}

TEST(LanesTest, AnEarlierMessageBringsItsLaneForward) {
  Lanes lanes;
  lanes.note(lane(1), kNow + 100);
  lanes.note(lane(1), kNow);
  lanes.note(lane(1), kNow + 200);
  EXPECT_EQ(lanes.next_due(kNow), kNow);
  EXPECT_EQ(lanes.size(), 1U);
}

TEST(LanesTest, NoRoomMeansNoOrdersAndNothingIsForgotten) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  EXPECT_TRUE(lanes.next_claims(kNow, 0).empty());
  EXPECT_TRUE(lanes.next_claims(kNow, -3).empty());
  order_of(lanes);
}

TEST(LanesTest, ALaneThatGaveLessThanWasAskedSleepsUntilItsNextMessage) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.claimed(order_of(lanes), 3, at(kNow), kNow + 60, kNow);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 60);
  EXPECT_TRUE(lanes.next_claims(kNow + 59, 10).empty());
  lanes.claimed(order_of(lanes, kNow + 60), 1, at(kNow + 60), kNever, kNow + 60);
  EXPECT_EQ(lanes.next_due(kNow + 60), kNever);
}

TEST(LanesTest, ALaneThatGaveAllThatWasAskedIsAskedAgain) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 7);
  ClaimOrder order = order_of(lanes);
  order.limit = 1;  // an account's room may lower it
  lanes.claimed(order, 1, at(kNow - 7), kNever, kNow);
  EXPECT_LE(lanes.next_due(kNow), kNow);
  EXPECT_EQ(order_of(lanes).after, at(kNow - 7));
}

TEST(LanesTest, AnOrderThatIsNotCarriedOutComesAgain) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(order_of(lanes).lane, lane(1));
}

TEST(LanesTest, AnAnswerForALaneThatIsGoneChangesNothing) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  const ClaimOrder order = order_of(lanes);
  lanes.sweep({}, kNow);
  lanes.claimed(order, 1, at(kNow), kNow + 1, kNow);
  lanes.claimed({lane(1, 7), {}, 10}, 1, at(kNow), kNow + 1, kNow);
  EXPECT_EQ(lanes.size(), 0U);
  EXPECT_EQ(lanes.next_due(kNow), kNever);
}

TEST(LanesTest, WhenTheClockIsSetBackNothingIsClaimedEarlyOrAskedForForEver) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  EXPECT_EQ(lanes.next_claims(kNow, 1).size(), 1U);
  EXPECT_TRUE(lanes.next_claims(kNow - kSecond, 10).empty());
  EXPECT_EQ(lanes.next_due(kNow - kSecond), kNow);
  EXPECT_EQ(lanes.next_claims(kNow, 10).size(), 3U);
}

// Marks

TEST(LanesTest, AClaimStartsBehindTheOneBefore) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 50);
  lanes.claimed(order_of(lanes), 10, at(kNow - 20, 9), kNever, kNow);
  EXPECT_EQ(order_of(lanes).after, at(kNow - 20, 9));
}

TEST(LanesTest, AMessageThatCommittedLateIsNotBehindTheMark) {
  for (const std::int64_t late : {kNow - 50, kNow - 20}) {
    Lanes lanes;
    lanes.note(lane(1), kNow - 50);
    lanes.claimed(order_of(lanes), 2, at(kNow - 20, 9), kNever, kNow);
    lanes.note(lane(1), late);
    EXPECT_LT(order_of(lanes).after, at(late, 0));
  }
}

TEST(LanesTest, AMessageBehindTheMarkLeavesItWhereItIs) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 50);
  lanes.claimed(order_of(lanes), 2, at(kNow - 20, 9), kNever, kNow);
  lanes.note(lane(1), kNow - 19);
  EXPECT_EQ(order_of(lanes).after, at(kNow - 20, 9));
}

TEST(LanesTest, ASweepLowersAMarkThatRanPastAWaitingMessage) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 50);
  lanes.claimed(order_of(lanes), 2, at(kNow - 20, 9), kNever, kNow);
  lanes.sweep({{lane(1), kNow - 50}}, kNow);
  EXPECT_LT(order_of(lanes).after, at(kNow - 50, 0));
}

TEST(LanesTest, ASweepKeepsAMarkThatIsInFrontOfEverything) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 50);
  lanes.claimed(order_of(lanes), 2, at(kNow - 20, 9), kNever, kNow);
  lanes.sweep({{lane(1), kNow - 10}}, kNow);
  EXPECT_EQ(order_of(lanes).after, at(kNow - 20, 9));
}

TEST(LanesTest, TheEarliestTimeThereIsIsNoMarkTooLow) {
  Lanes lanes;
  lanes.note(lane(1), kAlways);
  EXPECT_EQ(order_of(lanes).after, LanePosition{});
}

// Sweeps

TEST(LanesTest, ASweepBringsLanesThatNobodyTold) {
  Lanes lanes;
  lanes.sweep({{lane(1), kNow}, {lane(2, 3), kNow + 9}, {lane(2, 5), kNow + 7}}, kNow);
  EXPECT_EQ(lanes.size(), 3U);
  EXPECT_EQ(order_of(lanes).lane, lane(1));
  found_nothing(lanes, order_of(lanes));
  EXPECT_EQ(lanes.next_due(kNow), kNow + 7);
}

TEST(LanesTest, LanesThatASweepDoesNotSeeAreGone) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.note(lane(1, 2), kNow);
  lanes.note(lane(2), kNow);
  lanes.sweep({{lane(1, 2), kNow}}, kNow);
  EXPECT_EQ(lanes.size(), 1U);
  EXPECT_EQ(order_of(lanes).lane, lane(1, 2));
  lanes.sweep({}, kNow);
  EXPECT_EQ(lanes.next_due(kNow), kNever);
}

TEST(LanesTest, ALaneWhoseDueRowsAreAllLockedIsLeftAloneUntilASweepAndAPauseHavePassed) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  found_nothing(lanes, order_of(lanes));
  EXPECT_EQ(lanes.next_due(kNow), kNever) << "no spinning";
  lanes.sweep({{lane(1), kNow}}, kNow + 1);
  const std::int64_t again = lanes.next_due(kNow + 1);
  EXPECT_GT(again, kNow + 1);
  EXPECT_LT(again, kNow + kSecond);
  order_of(lanes, again);
  found_nothing(lanes, order_of(lanes, again), again);
  lanes.sweep({{lane(1), kNow}}, again + kSecond);
  EXPECT_EQ(lanes.next_claims(again + kSecond, 10).size(), 1U) << "and soon again";
}

TEST(LanesTest, ANewMessageIsNotMadeToWaitForLockedOnes) {
  Lanes lanes;
  lanes.note(lane(1), kNow - 1);
  found_nothing(lanes, order_of(lanes));
  lanes.note(lane(1), kNow);
  EXPECT_EQ(order_of(lanes).lane, lane(1));
  lanes.sweep({{lane(1), kNow - 1}}, kNow);
  EXPECT_EQ(order_of(lanes).lane, lane(1));
}

// Holds

TEST(LanesTest, AHeldOrgIsNotClaimedAndOthersAre) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.note(lane(1, 4), kNow);
  lanes.note(lane(2), kNow);
  lanes.hold(uuid(1), kNow + 10);
  EXPECT_EQ(orgs_of(lanes.next_claims(kNow, 10)), std::vector{2});
  lanes.claimed({lane(2), {}, 10}, 1, at(kNow), kNever, kNow);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
  EXPECT_TRUE(lanes.next_claims(kNow + 9, 10).empty());
  EXPECT_EQ(order_of(lanes, kNow + 10).lane, lane(1));
}

TEST(LanesTest, AHoldOutlivesSweepsNewMessagesAndAnEmptyLane) {
  Lanes lanes;
  lanes.hold(uuid(1), kNow + kSecond);
  lanes.sweep({}, kNow);
  lanes.note(lane(1), kNow);
  lanes.sweep({{lane(1), kNow}}, kNow);
  EXPECT_TRUE(lanes.next_claims(kNow, 10).empty());
  EXPECT_EQ(lanes.next_due(kNow), kNow + kSecond);
}

TEST(LanesTest, AShorterHoldDoesNotEndALongerOne) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.hold(uuid(1), kNow + 10);
  lanes.hold(uuid(1), kNow + 5);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
}

TEST(LanesTest, AHeldMessageThatIsNotYetDueWaitsForBoth) {
  Lanes lanes;
  lanes.note(lane(1), kNow + 20);
  lanes.hold(uuid(1), kNow + 10);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 20);
}

TEST(LanesTest, ReleaseAllEndsEveryHold) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.note(lane(2), kNow);
  lanes.hold(uuid(1), kNever);
  lanes.put_off(uuid(2), kNow + kSecond);
  EXPECT_TRUE(lanes.next_claims(kNow, 10).empty());
  lanes.release_all();
  EXPECT_EQ(lanes.next_claims(kNow, 10).size(), 2U);
}

// Orders that are put off

TEST(LanesTest, AnOrgThatIsPutOffComesBackByItself) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 10);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
  EXPECT_TRUE(lanes.next_claims(kNow, 10).empty());
  order_of(lanes, kNow + 10);
  EXPECT_FALSE(lanes.call_back(uuid(1))) << "it is back already";
}

TEST(LanesTest, AnOrgThatIsPutOffCanBeCalledBackOnce) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 10);
  EXPECT_TRUE(lanes.call_back(uuid(1)));
  EXPECT_FALSE(lanes.call_back(uuid(1)));
  EXPECT_FALSE(lanes.call_back(uuid(2)));
  order_of(lanes);
}

TEST(LanesTest, CallingBackDoesNotEndAHold) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 5);
  lanes.hold(uuid(1), kNow + 10);
  lanes.call_back(uuid(1));
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
}

TEST(LanesTest, AnOrgThatIsPutOffKeepsItsTurn) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  std::vector<int> served;
  for (int i = 0; i < 6; ++i) {  // room for one only, as for three orgs on a busy account
    const std::vector<ClaimOrder> orders = lanes.next_claims(kNow + i, 10);
    ASSERT_EQ(orders.size(), 3U);
    served.push_back(orgs_of(orders).front());
    for (std::size_t rest = 1; rest < orders.size(); ++rest)
      lanes.put_off(orders[rest].lane.org, kNow + i + 1);
  }
  EXPECT_EQ(served, (std::vector{1, 2, 3, 1, 2, 3}));
}

// Fairness

TEST(LanesTest, EachOrgGetsTheSameShareOfABatch) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  std::vector<int> limits;
  for (const ClaimOrder& order : lanes.next_claims(kNow, 200))
    limits.push_back(order.limit);
  EXPECT_EQ(limits, (std::vector{67, 67, 66}));
}

TEST(LanesTest, WithinAnOrgTheLowerPriorityNumberThatIsDueGoesFirst) {
  Lanes lanes;
  lanes.note(lane(1, 5), kNow);
  lanes.note(lane(1, -2), kNow + 1);
  lanes.note(lane(1, 0), kNow);
  EXPECT_EQ(order_of(lanes).lane.priority, 0);
  EXPECT_EQ(order_of(lanes, kNow + 1).lane.priority, -2);
  found_nothing(lanes, {lane(1, -2), {}, 10});
  found_nothing(lanes, {lane(1, 0), {}, 10});
  EXPECT_EQ(order_of(lanes, kNow + 1).lane.priority, 5);
}

TEST(LanesTest, AHundredThousandMessagesOfOneOrgDoNotDelayOneOfAnother) {
  Lanes lanes;
  lanes.note(lane(1), kNow - kSecond);
  for (int i = 0; i < 500; ++i)
    found_all_it_asked_for(lanes, order_of(lanes, kNow, 200));
  lanes.note(lane(2), kNow);
  const std::vector<ClaimOrder> orders = lanes.next_claims(kNow, 2);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_GE(orders[1].limit, 1);
}

TEST(LanesTest, WithRoomForOneMessageTheOrgsTakeTurns) {
  Lanes lanes;
  for (int org = 1; org <= 5; ++org)
    lanes.note(lane(org), kNow);
  std::multiset<int> served;
  for (int i = 0; i < 50; ++i) {
    const ClaimOrder order = order_of(lanes, kNow, 1);
    served.insert(orgs_of({order}).front());
    found_all_it_asked_for(lanes, order);
  }
  for (int org = 1; org <= 5; ++org)
    EXPECT_EQ(served.count(org), 10U) << org;
}

TEST(LanesTest, OrgsThatKeepComingDoNotOvertakeOneThatWaits) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  found_all_it_asked_for(lanes, order_of(lanes, kNow, 1));
  for (int org = 2; org <= 100; ++org) {
    lanes.note(lane(org), kNow);
    lanes.note(lane(org + 1'000), kNow);
    const std::vector<int> served = orgs_of(lanes.next_claims(kNow, 1));
    if (served == std::vector{1}) return;
  }
  FAIL() << "org 1 was never served";
}

TEST(LanesTest, AClaimThatAlwaysFailsDoesNotKeepOthersFromTheirTurn) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  std::set<int> served;
  for (int i = 0; i < 3; ++i)
    served.insert(orgs_of(lanes.next_claims(kNow, 1)).front());
  EXPECT_EQ(served, (std::set{1, 2, 3}));
}

TEST(LanesTest, TwentyThousandIdleLanesLeaveTheOneThatIsDue) {
  Lanes lanes;
  std::vector<LaneFront> fronts;
  for (int org = 0; org < 20'000; ++org)
    fronts.push_back({lane(org), kNow + kSecond + org});
  lanes.sweep(fronts, kNow);
  lanes.note(lane(12'345), kNow);
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(lanes.next_due(kNow), kNow);
    found_all_it_asked_for(lanes, order_of(lanes));
  }
  found_nothing(lanes, order_of(lanes));
  EXPECT_EQ(lanes.next_due(kNow), kNow + kSecond);
  EXPECT_EQ(lanes.next_claims(kNow + 2 * kSecond, 30'000).size(), 19'999U);
}

}  // namespace
}  // namespace coach_sms
