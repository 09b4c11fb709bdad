#include "lanes_fixture.hpp"

namespace coach_sms::test {
namespace {

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

TEST(LanesTest, ALaneWhoseFirstMessageIsGoneSleepsUntilTheNextOne) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.sweep({{lane(1), kNow + 50}}, kNow);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 50);
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

TEST(LanesTest, AMessageThatFallsDueIsNotMadeToWaitForLockedOnes) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  lanes.claimed(order_of(lanes), 0, {}, kNow + 20, kNow);
  lanes.sweep({{lane(1), kNow}}, kNow + 10);
  EXPECT_EQ(lanes.next_due(kNow + 10), kNow + 20);
}

TEST(LanesTest, APauseIsOverOnceTheLaneGaveSomething) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  found_nothing(lanes, order_of(lanes));
  lanes.note(lane(1), kNow);
  lanes.claimed(order_of(lanes), 1, at(kNow), kNever, kNow);
  lanes.sweep({{lane(1), kNow}}, kNow);
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

}  // namespace
}  // namespace coach_sms::test
