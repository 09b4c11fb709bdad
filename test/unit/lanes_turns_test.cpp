#include <set>

#include "lanes_fixture.hpp"

// In which order orgs are served.

namespace coach_sms::test {
namespace {

// Zones of an org

TEST(LanesTurnsTest, AZoneThatAlwaysHasSomethingKeepsNoOtherFromGoing) {
  Lanes lanes;
  for (const char* zone : {"", "*", "Australia/Perth"})
    lanes.note({uuid(1), zone, 0}, kNow);
  lanes.note({uuid(1), "Europe/Paris", 1}, kNow);
  std::vector<std::string> served;
  for (int i = 0; i < 6; ++i) {
    const std::vector<ClaimOrder> orders = lanes.next_claims(kNow, 10);
    ASSERT_EQ(orders.size(), 1U);
    served.push_back(orders.front().lane.zone);
    lanes.claimed(orders.front(), orders.front().limit, {kNow, uuid(9)}, kNow, kNow);
  }
  EXPECT_EQ(served,
            (std::vector<std::string>{"*", "Australia/Perth", "", "*", "Australia/Perth", ""}))
      << "a less urgent one waits";
}

TEST(LanesTurnsTest, AZoneWhoseOrderWasPutOffIsNext) {
  Lanes lanes;
  for (const char* zone : {"", "Australia/Perth"})
    lanes.note({uuid(1), zone, 0}, kNow);
  std::vector<std::string> served;
  for (int i = 0; i < 4; ++i) {  // as with a pace of one message a turn
    const ClaimOrder order = order_of(lanes);
    served.push_back(order.lane.zone);
    lanes.claimed(order, order.limit, {kNow, uuid(9)}, kNow, kNow);
    order_of(lanes);
    lanes.put_off(uuid(1), kNow);
  }
  EXPECT_EQ(served, (std::vector<std::string>{"Australia/Perth", "", "Australia/Perth", ""}));
}

// Orders that are put off

TEST(LanesTurnsTest, AnOrgThatIsPutOffComesBackByItself) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 10);
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
  EXPECT_TRUE(lanes.next_claims(kNow, 10).empty());
  order_of(lanes, kNow + 10);
  EXPECT_FALSE(lanes.call_back(uuid(1))) << "it is back already";
}

TEST(LanesTurnsTest, AnOrgThatIsPutOffCanBeCalledBackOnce) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 10);
  EXPECT_TRUE(lanes.call_back(uuid(1)));
  EXPECT_FALSE(lanes.call_back(uuid(1)));
  EXPECT_FALSE(lanes.call_back(uuid(2)));
  order_of(lanes);
}

TEST(LanesTurnsTest, PuttingOffAnOrgThatHasNothingDueDoesNotMakeItDue) {
  Lanes lanes;
  lanes.note(lane(1), kNow + 100);
  lanes.put_off(uuid(1), kNow + 10);
  EXPECT_EQ(lanes.next_due(kNow + 10), kNow + 100);
  EXPECT_TRUE(lanes.next_claims(kNow + 10, 10).empty());
}

TEST(LanesTurnsTest, CallingBackDoesNotEndAHold) {
  Lanes lanes;
  lanes.note(lane(1), kNow);
  order_of(lanes);
  lanes.put_off(uuid(1), kNow + 5);
  lanes.hold(uuid(1), kNow + 10);
  lanes.call_back(uuid(1));
  EXPECT_EQ(lanes.next_due(kNow), kNow + 10);
}

TEST(LanesTurnsTest, AnOrgThatIsPutOffKeepsItsTurn) {
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

TEST(LanesTurnsTest, EachOrgGetsTheSameShareOfABatch) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  std::vector<int> limits;
  for (const ClaimOrder& order : lanes.next_claims(kNow, 200))
    limits.push_back(order.limit);
  EXPECT_EQ(limits, (std::vector{67, 67, 66}));
}

TEST(LanesTurnsTest, WithinAnOrgTheLowerPriorityNumberThatIsDueGoesFirst) {
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

TEST(LanesTurnsTest, AHundredThousandMessagesOfOneOrgDoNotDelayOneOfAnother) {
  Lanes lanes;
  lanes.note(lane(1), kNow - kSecond);
  for (int i = 0; i < 500; ++i)
    found_all_it_asked_for(lanes, order_of(lanes, kNow, 200));
  lanes.note(lane(2), kNow);
  const std::vector<ClaimOrder> orders = lanes.next_claims(kNow, 2);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_GE(orders[1].limit, 1);
}

TEST(LanesTurnsTest, WithRoomForOneMessageTheOrgsTakeTurns) {
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

TEST(LanesTurnsTest, OrgsThatKeepComingDoNotOvertakeOneThatWaits) {
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

TEST(LanesTurnsTest, AClaimThatAlwaysFailsDoesNotKeepOthersFromTheirTurn) {
  Lanes lanes;
  for (int org = 1; org <= 3; ++org)
    lanes.note(lane(org), kNow);
  std::set<int> served;
  for (int i = 0; i < 3; ++i)
    served.insert(orgs_of(lanes.next_claims(kNow, 1)).front());
  EXPECT_EQ(served, (std::set{1, 2, 3}));
}

TEST(LanesTurnsTest, TwentyThousandIdleLanesLeaveTheOneThatIsDue) {
  Lanes lanes;
  std::vector<LaneFront> fronts;
  fronts.reserve(20'000);
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
}  // namespace coach_sms::test
