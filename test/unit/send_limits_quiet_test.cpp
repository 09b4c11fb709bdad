#include "send_limits_fixture.hpp"

// Quiet hours in SendLimits: whose lanes they close, and how what waited comes out.

namespace coach_sms::test {
namespace {

constexpr std::int64_t kNight = kEvening + kHour;                   // 21:30
constexpr std::int64_t kMorning = kNight + 11 * kHour + kHour / 2;  // 09:00
constexpr std::int64_t kSpread = 600 * kSecond;

TEST_F(SendLimitsTest, QuietHoursHoldTheLaneUntilTheyEnd) {
  org(1, quiet());
  EXPECT_EQ(room(kEvening), 10);
  EXPECT_EQ(room(kNight), 0);
  EXPECT_EQ(lanes.next_due(kNight), kMorning);
  EXPECT_EQ(room(kMorning - 1), 0);
  EXPECT_EQ(room(kMorning), 10);
}

TEST_F(SendLimitsTest, EachLaneKeepsTheHoursOfItsOwnZone) {
  know(1, quiet());
  limits.set_zone("Asia/Kathmandu", {{0, 20'700}}, 0, kEvening + 100 * kDay);
  lanes.note({uuid(1), "", 0}, kAlways);                // 21:30
  lanes.note({uuid(1), "Asia/Kathmandu", 1}, kAlways);  // 03:15
  lanes.note({uuid(1), "*", 2}, kAlways);               // any hour
  std::vector<ClaimOrder> admitted;
  for (int turns = 0; turns < 3 && admitted.empty(); ++turns)
    admitted = admit(kNight);
  ASSERT_EQ(admitted.size(), 1U);
  EXPECT_EQ(admitted[0].lane.zone, "*");
  lanes.claimed(admitted[0], 0, {}, kNever, kNight);
  const std::int64_t nine_there = kMorning - 20'700 * kSecond;
  EXPECT_EQ(lanes.next_due(kNight), nine_there);
  admitted = admit(nine_there);
  ASSERT_EQ(admitted.size(), 1U);
  EXPECT_EQ(admitted[0].lane.zone, "Asia/Kathmandu");
}

TEST_F(SendLimitsTest, ZonesAreAskedForOnceAndAgainBeforeTheyEnd) {
  limits.set_rules(uuid(1), quiet());
  limits.set_rules(uuid(2), quiet());
  limits.set_rules(uuid(3), rules());
  lanes.note(lane(1), kAlways);
  lanes.note(lane(2), kAlways);
  lanes.note({uuid(3), "Asia/Kathmandu", 0}, kAlways);
  plan(kEvening);
  EXPECT_EQ(limits.zones_wanted(kEvening), std::vector<std::string>{"UTC"}) << "3 has none to keep";
  limits.set_zone("UTC", {{0, 0}}, kEvening - kHour, kEvening + 3 * kDay);
  EXPECT_TRUE(limits.zones_wanted(kEvening).empty());
  EXPECT_FALSE(limits.zones_wanted(kEvening + 2 * kDay).empty());
  EXPECT_FALSE(limits.zones_wanted(kEvening - 2 * kHour).empty()) << "the clock was set back";
}

TEST_F(SendLimitsTest, ALaneTellsWhenItsNextQuietHoursBegin) {
  know(1, quiet());
  EXPECT_EQ(limits.next_quiet_at(lane(1), kEvening), kEvening + kHour / 2);
  EXPECT_EQ(limits.next_quiet_at(lane(1), kNight), kNight) << "already";
  EXPECT_EQ(limits.next_quiet_at({uuid(1), "*", 0}, kNight), kNever);
}

TEST_F(SendLimitsTest, ALaneInItsQuietHoursTakesNothingOfTheSharedPace) {
  OrgRules asleep = quiet();
  asleep.segments_per_second = 2;
  org(1, asleep);
  org(2, paced(2));
  const std::vector<ClaimOrder> orders = admit(kNight);
  ASSERT_EQ(orgs_of(orders), std::vector{2});
  EXPECT_EQ(orders[0].limit, 2);
}

// What waited

struct BacklogTest : SendLimitsTest {
  // The morning of a lane where so many waited.
  void open(int waited) {
    org(1, quiet());
    plan(kMorning);
    const std::vector<OpenedLane> opened = limits.lanes_to_count(kSpread, kMorning);
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened[0].opened_at, kMorning);
    limits.set_backlog(opened[0], waited, kSpread, kMorning);
  }
  bool is_counted(std::int64_t now) {
    plan(now);
    const bool counted = limits.lanes_to_count(kSpread, now).empty();
    limits.admit(&lanes, &holds, now);
    return counted;
  }
  ClaimOrder order(std::int64_t now) {
    const std::vector<ClaimOrder> orders = admit(now);
    EXPECT_EQ(orders.size(), 1U);
    return orders.empty() ? ClaimOrder{} : orders.front();
  }
};

TEST_F(BacklogTest, WhatWaitedComesOutEvenlyAndTheRestAsEver) {
  open(60);
  const ClaimOrder first = order(kMorning);
  EXPECT_EQ(first.opened_at, kMorning);
  EXPECT_EQ(first.waited, 1);
  EXPECT_EQ(first.limit, 10) << "for what fell due since";
  EXPECT_EQ(limits.took_waited(lane(1), 1, kMorning), kMorning + 10 * kSecond);
  EXPECT_EQ(order(kMorning + 10 * kSecond - 1).waited, 0);
  EXPECT_EQ(order(kMorning + 10 * kSecond).waited, 1);
}

TEST_F(BacklogTest, AfterTheSpreadTheLaneIsLikeAnyOther) {
  open(60);
  EXPECT_EQ(order(kMorning + kSpread).opened_at, kAlways);
  EXPECT_EQ(limits.took_waited(lane(1), 1, kMorning + kSpread), kNever);
}

TEST_F(BacklogTest, ABacklogIsCountedOnceAlsoWhenItIsGone) {
  open(1);
  EXPECT_EQ(order(kMorning).waited, 1);
  EXPECT_EQ(limits.took_waited(lane(1), 1, kMorning), kNever);
  EXPECT_EQ(order(kMorning + kSecond).opened_at, kAlways) << "nothing is left to spread";
  EXPECT_TRUE(is_counted(kMorning + 2 * kSecond));
  EXPECT_TRUE(is_counted(kMorning + kSpread)) << "nothing is spread any more";
  EXPECT_FALSE(is_counted(kMorning + kDay)) << "another morning";
}

TEST_F(BacklogTest, SettingsThatEndTheQuietHoursEndTheSpread) {
  open(60);
  know(1, rules());
  EXPECT_EQ(order(kMorning + kSecond).opened_at, kAlways);
}

TEST_F(BacklogTest, WhenTheClockIsSetBackTheBacklogIsCountedAgain) {
  open(60);
  limits.clock_set_back();
  know(1, quiet());
  EXPECT_FALSE(is_counted(kMorning + kSecond));
}

TEST_F(BacklogTest, ALaneThatOpenedLongAgoIsNotSpread) {
  org(1, quiet());
  EXPECT_TRUE(is_counted(kMorning + kSpread));
  EXPECT_EQ(order(kMorning + kSpread).opened_at, kAlways);
}

}  // namespace
}  // namespace coach_sms::test
