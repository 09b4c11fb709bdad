#include <algorithm>

#include "send_limits_fixture.hpp"

// Messages an hour, segments a month, segments a second; and what the tables are asked for. Quiet
// hours have a file of their own.

namespace coach_sms::test {
namespace {

TEST_F(SendLimitsTest, WithoutLimitsEverythingPasses) {
  org(1, rules());
  EXPECT_EQ(room(kEvening), 10);
  EXPECT_TRUE(limits.fits(uuid(1), 1'000));
  EXPECT_EQ(limits.next_quiet_at(lane(1), kEvening), kNever);
}

TEST_F(SendLimitsTest, AnOrgWithoutRulesIsLeftToTheLastCheck) {
  lanes.note(lane(1), kAlways);
  EXPECT_EQ(room(kEvening), 10);
}

// What the tables are asked for

TEST_F(SendLimitsTest, RulesAreAskedForOnceAMonthAndWhenTheyWereForgotten) {
  org(1, rules());
  plan(kEvening);
  EXPECT_TRUE(limits.orgs_without_rules(kEvening).empty());
  EXPECT_EQ(limits.orgs_without_rules(rules().month_ends_at), std::vector{uuid(1)});
  EXPECT_TRUE(limits.is_current(uuid(1), "1"));
  EXPECT_FALSE(limits.is_current(uuid(1), "2"));
  limits.forget_rules(uuid(1));
  EXPECT_FALSE(limits.is_current(uuid(1), "1"));
  EXPECT_EQ(limits.orgs_without_rules(kEvening), std::vector{uuid(1)});
}

TEST_F(SendLimitsTest, ThePastIsAskedForWhereThereIsALimitOrABudget) {
  limits.set_rules(uuid(1), rules());
  limits.set_rules(uuid(2), hourly(1));
  limits.set_rules(uuid(3), monthly(1));
  for (const int number : {1, 2, 3})
    lanes.note(lane(number), kAlways);
  plan(kEvening);
  EXPECT_EQ(limits.orgs_without_past(), (std::vector{uuid(2), uuid(3)}));
  limits.begin_past(uuid(2));
  limits.end_past(uuid(2));
  EXPECT_EQ(limits.orgs_without_past(), std::vector{uuid(3)});
}

TEST_F(SendLimitsTest, ThePastIsReadAgainForAnotherLimitMonthOrProvider) {
  OrgRules both = hourly(5);
  both.budget = 5;
  const auto is_asked = [&](const OrgRules& then) {
    org(1, both);
    limits.set_rules(uuid(1), then);
    plan(kEvening);
    return !limits.orgs_without_past().empty();
  };
  EXPECT_FALSE(is_asked(both));
  OrgRules other = both;
  other.max_per_hour = 6;
  EXPECT_TRUE(is_asked(other));
  other = both;
  other.month_starts_at = both.month_ends_at;
  EXPECT_TRUE(is_asked(other));
  other = both;
  other.budget = 6;
  EXPECT_FALSE(is_asked(other)) << "what was spent is known";
  limits.forget_past();
  EXPECT_EQ(limits.orgs_without_past(), std::vector{uuid(1)});
}

TEST_F(SendLimitsTest, WhenTheClockIsSetBackRulesAndPastAreReadAgain) {
  org(1, hourly(1));
  start(1, 1, kEvening);
  limits.settled(uuid(1), kEvening);
  EXPECT_EQ(room(kEvening + kHour), 10 - 9) << "forgotten by that clock";
  limits.clock_set_back();
  plan(kEvening + kHour);
  EXPECT_EQ(limits.orgs_without_rules(kEvening), std::vector{uuid(1)});
  know(1, hourly(1));
  limits.load_settled(uuid(1), kEvening);
  EXPECT_EQ(room(kEvening + kSecond), 0);
}

// Messages an hour

TEST_F(SendLimitsTest, TheHoursLimitCountsThePastWhatIsInFlightAndWhatWasHandedOver) {
  org(1, hourly(5));
  limits.load_settled(uuid(1), kEvening - kHour / 2);
  limits.load_flight(uuid(1), uuid(1), 3);
  start(1, 2, kEvening);
  EXPECT_EQ(room(kEvening), 2);
  limits.settled(uuid(2), kEvening);
  EXPECT_EQ(room(kEvening), 2);
  limits.released(uuid(1));
  EXPECT_EQ(room(kEvening), 3) << "provably not sent";
}

TEST_F(SendLimitsTest, AFullHourHoldsTheOrgUntilTheFirstMessageIsAnHourOld) {
  org(1, hourly(1));
  limits.load_settled(uuid(1), kEvening - kHour / 2);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kHour / 2);
  EXPECT_EQ(room(kEvening + kHour / 2), 1);
}

TEST_F(SendLimitsTest, WhatIsInFlightHoldsTheOrgForASecondAtMost) {
  org(1, hourly(2));
  limits.load_settled(uuid(1), kEvening - kHour / 2);
  start(1, 1, kEvening);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond);
  limits.released(uuid(1));
  EXPECT_EQ(room(kEvening + kSecond), 1);
}

TEST_F(SendLimitsTest, ALimitOfNoneHoldsForGood) {
  org(1, hourly(0));
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kNever);
  lanes.release_all();  // as changed settings do
  know(1, hourly(3));
  EXPECT_EQ(room(kEvening), 3);
}

TEST_F(SendLimitsTest, AMessageCountsOnceHoweverOftenItIsTold) {
  org(1, hourly(5));
  limits.load_flight(uuid(1), uuid(1), 1);
  start(1, 1, kEvening);
  limits.settled(uuid(1), kEvening);
  limits.settled(uuid(1), kEvening);
  limits.released(uuid(1));
  EXPECT_EQ(room(kEvening), 4);
}

// Segments a month

TEST_F(SendLimitsTest, TheBudgetCountsWhatTwilioCounts) {
  org(1, monthly(10));
  limits.load_spent(uuid(1), 0);
  start(1, 1, kEvening, 1);
  limits.settled(uuid(1), kEvening, 2);
  EXPECT_TRUE(limits.fits(uuid(1), 8));
  EXPECT_FALSE(limits.fits(uuid(1), 9));
  start(1, 2, kEvening, 3);
  limits.settled(uuid(2), kEvening, 0);
  EXPECT_TRUE(limits.fits(uuid(1), 5));
  EXPECT_FALSE(limits.fits(uuid(1), 6));
}

TEST_F(SendLimitsTest, TheBudgetCountsSegmentsAndGivesBackWhatWasNotSent) {
  org(1, monthly(10));
  limits.load_spent(uuid(1), 4);
  limits.load_flight(uuid(1), uuid(1), 2);
  start(1, 2, kEvening, 3);
  EXPECT_TRUE(limits.fits(uuid(1), 1));
  EXPECT_FALSE(limits.fits(uuid(1), 2));
  EXPECT_EQ(room(kEvening), 1);
  limits.released(uuid(2));
  EXPECT_TRUE(limits.fits(uuid(1), 4));
  limits.settled(uuid(1), kEvening);
  EXPECT_FALSE(limits.fits(uuid(1), 5));
}

TEST_F(SendLimitsTest, ASpentBudgetHoldsTheOrgUntilTheMonthIsOver) {
  org(1, monthly(10));
  limits.load_spent(uuid(1), 12);
  EXPECT_EQ(room(kEvening), 0);
  const std::int64_t ends = rules().month_ends_at;
  EXPECT_EQ(lanes.next_due(kEvening), ends);
  plan(ends);
  EXPECT_EQ(limits.orgs_without_rules(ends), std::vector{uuid(1)});
  OrgRules next = monthly(10);
  next.month_starts_at = ends;
  next.month_ends_at = ends + 30 * kDay;
  limits.set_rules(uuid(1), next);
  EXPECT_EQ(limits.orgs_without_past(), std::vector{uuid(1)});
  limits.begin_past(uuid(1));
  EXPECT_EQ(limits.orgs_without_past(), std::vector{uuid(1)});  // an error: it is read again
  limits.begin_past(uuid(1));
  limits.end_past(uuid(1));
  EXPECT_TRUE(limits.orgs_without_past().empty());
  EXPECT_EQ(limits.admit(&lanes, &holds, ends).size(), 1U);
}

TEST_F(SendLimitsTest, ABudgetThatIsInFlightIsLookedAtAgainInASecond) {
  org(1, monthly(1));
  start(1, 1, kEvening);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond);
  limits.released(uuid(1));
  EXPECT_EQ(room(kEvening + kSecond), 1);
}

// What another process may have settled

TEST_F(SendLimitsTest, FlightsThatCountAreAskedAfter) {
  org(1, hourly(2));
  org(2, monthly(10));
  start(1, 1, kEvening);
  start(2, 2, kEvening);
  start(1, 3, kEvening);
  EXPECT_EQ(limits.in_flight(), (std::vector{uuid(1), uuid(2), uuid(3)}));
  limits.settled(uuid(1), kEvening);
  limits.settled(uuid(2), kEvening);
  EXPECT_EQ(limits.in_flight(), std::vector{uuid(3)});
}

TEST_F(SendLimitsTest, AForgottenPastTakesItsFlightsWithIt) {
  org(1, monthly(10));
  start(1, 1, kEvening, 4);
  know(1, hourly(10));
  EXPECT_TRUE(limits.in_flight().empty());
  know(1, monthly(10));
  EXPECT_EQ(limits.budget_again_at(uuid(1), kEvening), rules().month_ends_at);
  limits.released(uuid(1));
  EXPECT_FALSE(limits.fits(uuid(1), 11)) << "nothing is given back that was not taken";
}

// Segments a second

TEST_F(SendLimitsTest, ThePaceLetsOneSecondsWorthGoAndThenWaits) {
  org(1, paced(4));
  EXPECT_EQ(room(kEvening), 4);
  for (int message = 1; message <= 2; ++message)
    start(1, message, kEvening, 2);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond / 4);
  EXPECT_EQ(room(kEvening + kSecond / 4), 1);
}

TEST_F(SendLimitsTest, OrgsOfOneSenderShareItsPaceAndTakeNoMoreThanTheyWereOffered) {
  org(1, paced(6));
  org(2, paced(6));
  org(3, paced(6));
  const std::vector<ClaimOrder> orders = admit(kEvening, 9);
  ASSERT_EQ(orgs_of(orders), (std::vector{1, 2}));
  EXPECT_EQ(orders[0].limit, 3);
  EXPECT_EQ(orders[1].limit, 3);
}

TEST_F(SendLimitsTest, OrgsOfOtherSendersDoNot) {
  org(1, paced(1));
  OrgRules other = paced(1);
  other.sender = "AC1|MG1";
  org(2, other);
  EXPECT_EQ(admit(kEvening).size(), 2U);
}

TEST_F(SendLimitsTest, OrgsOfOneSenderTakeTurns) {
  for (const int number : {1, 2, 3})
    org(number, paced(1));
  std::vector<int> served;
  std::int64_t now = kEvening;
  for (int message = 1; message <= 9; now = std::max(now + 1, lanes.next_due(now)))
    for (const int number : orgs_of(admit(now))) {
      served.push_back(number);
      start(number, message++, now);
    }
  EXPECT_EQ(served, (std::vector{1, 2, 3, 1, 2, 3, 1, 2, 3}));
  EXPECT_LE(now, kEvening + 9 * kSecond);
}

// Together

TEST_F(SendLimitsTest, TheSmallestRoomCounts) {
  OrgRules all = hourly(5);
  all.budget = 7;
  all.segments_per_second = 6;
  org(1, all);
  EXPECT_EQ(room(kEvening), 5);
  EXPECT_EQ(room(kEvening, 4), 4);
  limits.load_spent(uuid(1), 4);
  EXPECT_EQ(room(kEvening), 3);
  start(1, 1, kEvening, 1);
  start(1, 2, kEvening, 1);
  start(1, 3, kEvening, 1);
  EXPECT_EQ(room(kEvening), 0);
}

TEST_F(SendLimitsTest, AnOrgThatItsOwnLimitHoldsTakesNothingOfTheSharedPace) {
  OrgRules full = paced(2);
  full.max_per_hour = 0;
  org(1, full);
  org(2, paced(2));
  const std::vector<ClaimOrder> orders = admit(kEvening);
  ASSERT_EQ(orgs_of(orders), std::vector{2});
  EXPECT_EQ(orders[0].limit, 2);
}

}  // namespace
}  // namespace coach_sms::test
