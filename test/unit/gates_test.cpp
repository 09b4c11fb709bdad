#include <algorithm>

#include "gates_fixture.hpp"

// Messages an hour, segments a month, segments a second; and what the tables are asked for. Quiet
// hours have a file of their own.

namespace coach_sms::test {
namespace {

TEST_F(GatesTest, WithoutLimitsEverythingPasses) {
  org(1, rules());
  EXPECT_EQ(room(kEvening), 10);
  EXPECT_TRUE(gates.fits(uuid(1), 1'000));
  EXPECT_EQ(gates.next_quiet_at(lane(1), kEvening), kNever);
}

TEST_F(GatesTest, AnOrgWithoutRulesIsLeftToTheLastCheck) {
  lanes.note(lane(1), kAlways);
  EXPECT_EQ(room(kEvening), 10);
}

// What the tables are asked for

TEST_F(GatesTest, RulesAreAskedForOnceAMonthAndWhenTheyWereForgotten) {
  org(1, rules());
  plan(kEvening);
  EXPECT_TRUE(gates.orgs_without_rules(kEvening).empty());
  EXPECT_EQ(gates.orgs_without_rules(rules().month_ends_at), std::vector{uuid(1)});
  EXPECT_TRUE(gates.is_current(uuid(1), "1"));
  EXPECT_FALSE(gates.is_current(uuid(1), "2"));
  gates.forget_rules(uuid(1));
  EXPECT_FALSE(gates.is_current(uuid(1), "1"));
  EXPECT_EQ(gates.orgs_without_rules(kEvening), std::vector{uuid(1)});
}

TEST_F(GatesTest, ThePastIsAskedForWhereThereIsALimitOrABudget) {
  gates.set_rules(uuid(1), rules());
  gates.set_rules(uuid(2), hourly(1));
  gates.set_rules(uuid(3), monthly(1));
  for (const int number : {1, 2, 3})
    lanes.note(lane(number), kAlways);
  plan(kEvening);
  EXPECT_EQ(gates.orgs_without_past(), (std::vector{uuid(2), uuid(3)}));
  gates.begin_past(uuid(2));
  gates.end_past(uuid(2));
  EXPECT_EQ(gates.orgs_without_past(), std::vector{uuid(3)});
}

TEST_F(GatesTest, ThePastIsReadAgainForAnotherLimitMonthOrProvider) {
  OrgRules both = hourly(5);
  both.budget = 5;
  const auto is_asked = [&](const OrgRules& then) {
    org(1, both);
    gates.set_rules(uuid(1), then);
    plan(kEvening);
    return !gates.orgs_without_past().empty();
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
  gates.forget_past();
  EXPECT_EQ(gates.orgs_without_past(), std::vector{uuid(1)});
}

TEST_F(GatesTest, WhenTheClockIsSetBackRulesAndPastAreReadAgain) {
  org(1, hourly(1));
  start(1, 1, kEvening);
  gates.settled(uuid(1), kEvening);
  EXPECT_EQ(room(kEvening + kHour), 10 - 9) << "forgotten by that clock";
  gates.clock_set_back();
  plan(kEvening + kHour);
  EXPECT_EQ(gates.orgs_without_rules(kEvening), std::vector{uuid(1)});
  know(1, hourly(1));
  gates.load_settled(uuid(1), kEvening);
  EXPECT_EQ(room(kEvening + kSecond), 0);
}

// Messages an hour

TEST_F(GatesTest, TheHoursLimitCountsThePastWhatIsInFlightAndWhatWasHandedOver) {
  org(1, hourly(5));
  gates.load_settled(uuid(1), kEvening - kHour / 2);
  gates.load_flight(uuid(1), uuid(1), 3);
  start(1, 2, kEvening);
  EXPECT_EQ(room(kEvening), 2);
  gates.settled(uuid(2), kEvening);
  EXPECT_EQ(room(kEvening), 2);
  gates.released(uuid(1));
  EXPECT_EQ(room(kEvening), 3) << "provably not sent";
}

TEST_F(GatesTest, AFullHourHoldsTheOrgUntilTheFirstMessageIsAnHourOld) {
  org(1, hourly(1));
  gates.load_settled(uuid(1), kEvening - kHour / 2);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kHour / 2);
  EXPECT_EQ(room(kEvening + kHour / 2), 1);
}

TEST_F(GatesTest, WhatIsInFlightHoldsTheOrgForASecondAtMost) {
  org(1, hourly(2));
  gates.load_settled(uuid(1), kEvening - kHour / 2);
  start(1, 1, kEvening);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond);
  gates.released(uuid(1));
  EXPECT_EQ(room(kEvening + kSecond), 1);
}

TEST_F(GatesTest, ALimitOfNoneHoldsForGood) {
  org(1, hourly(0));
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kNever);
  lanes.release_all();  // as changed settings do
  know(1, hourly(3));
  EXPECT_EQ(room(kEvening), 3);
}

TEST_F(GatesTest, AMessageCountsOnceHoweverOftenItIsTold) {
  org(1, hourly(5));
  gates.load_flight(uuid(1), uuid(1), 1);
  start(1, 1, kEvening);
  gates.settled(uuid(1), kEvening);
  gates.settled(uuid(1), kEvening);
  gates.released(uuid(1));
  EXPECT_EQ(room(kEvening), 4);
}

// Segments a month

TEST_F(GatesTest, TheBudgetCountsWhatTwilioCounts) {
  org(1, monthly(10));
  gates.load_spent(uuid(1), 0);
  start(1, 1, kEvening, 1);
  gates.settled(uuid(1), kEvening, 2);
  EXPECT_TRUE(gates.fits(uuid(1), 8));
  EXPECT_FALSE(gates.fits(uuid(1), 9));
  start(1, 2, kEvening, 3);
  gates.settled(uuid(2), kEvening, 0);
  EXPECT_TRUE(gates.fits(uuid(1), 5));
  EXPECT_FALSE(gates.fits(uuid(1), 6));
}

TEST_F(GatesTest, TheBudgetCountsSegmentsAndGivesBackWhatWasNotSent) {
  org(1, monthly(10));
  gates.load_spent(uuid(1), 4);
  gates.load_flight(uuid(1), uuid(1), 2);
  start(1, 2, kEvening, 3);
  EXPECT_TRUE(gates.fits(uuid(1), 1));
  EXPECT_FALSE(gates.fits(uuid(1), 2));
  EXPECT_EQ(room(kEvening), 1);
  gates.released(uuid(2));
  EXPECT_TRUE(gates.fits(uuid(1), 4));
  gates.settled(uuid(1), kEvening);
  EXPECT_FALSE(gates.fits(uuid(1), 5));
}

TEST_F(GatesTest, ASpentBudgetHoldsTheOrgUntilTheMonthIsOver) {
  org(1, monthly(10));
  gates.load_spent(uuid(1), 12);
  EXPECT_EQ(room(kEvening), 0);
  const std::int64_t ends = rules().month_ends_at;
  EXPECT_EQ(lanes.next_due(kEvening), ends);
  plan(ends);
  EXPECT_EQ(gates.orgs_without_rules(ends), std::vector{uuid(1)});
  OrgRules next = monthly(10);
  next.month_starts_at = ends;
  next.month_ends_at = ends + 30 * kDay;
  gates.set_rules(uuid(1), next);
  EXPECT_EQ(gates.orgs_without_past(), std::vector{uuid(1)});
  gates.begin_past(uuid(1));
  EXPECT_EQ(gates.orgs_without_past(), std::vector{uuid(1)});  // an error: it is read again
  gates.begin_past(uuid(1));
  gates.end_past(uuid(1));
  EXPECT_TRUE(gates.orgs_without_past().empty());
  EXPECT_EQ(gates.admit(&lanes, &holds, ends).size(), 1U);
}

TEST_F(GatesTest, ABudgetThatIsInFlightIsLookedAtAgainInASecond) {
  org(1, monthly(1));
  start(1, 1, kEvening);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond);
  gates.released(uuid(1));
  EXPECT_EQ(room(kEvening + kSecond), 1);
}

// What another process may have settled

TEST_F(GatesTest, FlightsThatCountAreAskedAfter) {
  org(1, hourly(2));
  org(2, monthly(10));
  start(1, 1, kEvening);
  start(2, 2, kEvening);
  start(1, 3, kEvening);
  EXPECT_EQ(gates.in_flight(), (std::vector{uuid(1), uuid(2), uuid(3)}));
  gates.settled(uuid(1), kEvening);
  gates.settled(uuid(2), kEvening);
  EXPECT_EQ(gates.in_flight(), std::vector{uuid(3)});
}

TEST_F(GatesTest, AForgottenPastTakesItsFlightsWithIt) {
  org(1, monthly(10));
  start(1, 1, kEvening, 4);
  know(1, hourly(10));
  EXPECT_TRUE(gates.in_flight().empty());
  know(1, monthly(10));
  EXPECT_EQ(gates.budget_again_at(uuid(1), kEvening), rules().month_ends_at);
  gates.released(uuid(1));
  EXPECT_FALSE(gates.fits(uuid(1), 11)) << "nothing is given back that was not taken";
}

// Segments a second

TEST_F(GatesTest, ThePaceLetsOneSecondsWorthGoAndThenWaits) {
  org(1, paced(4));
  EXPECT_EQ(room(kEvening), 4);
  for (int message = 1; message <= 2; ++message)
    start(1, message, kEvening, 2);
  EXPECT_EQ(room(kEvening), 0);
  EXPECT_EQ(lanes.next_due(kEvening), kEvening + kSecond / 4);
  EXPECT_EQ(room(kEvening + kSecond / 4), 1);
}

TEST_F(GatesTest, OrgsOfOneSenderShareItsPaceAndTakeNoMoreThanTheyWereOffered) {
  org(1, paced(6));
  org(2, paced(6));
  org(3, paced(6));
  const std::vector<ClaimOrder> orders = admit(kEvening, 9);
  ASSERT_EQ(orgs_of(orders), (std::vector{1, 2}));
  EXPECT_EQ(orders[0].limit, 3);
  EXPECT_EQ(orders[1].limit, 3);
}

TEST_F(GatesTest, OrgsOfOtherSendersDoNot) {
  org(1, paced(1));
  OrgRules other = paced(1);
  other.sender = "AC1|MG1";
  org(2, other);
  EXPECT_EQ(admit(kEvening).size(), 2U);
}

TEST_F(GatesTest, OrgsOfOneSenderTakeTurns) {
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

TEST_F(GatesTest, TheSmallestRoomCounts) {
  OrgRules all = hourly(5);
  all.budget = 7;
  all.segments_per_second = 6;
  org(1, all);
  EXPECT_EQ(room(kEvening), 5);
  EXPECT_EQ(room(kEvening, 4), 4);
  gates.load_spent(uuid(1), 4);
  EXPECT_EQ(room(kEvening), 3);
  start(1, 1, kEvening, 1);
  start(1, 2, kEvening, 1);
  start(1, 3, kEvening, 1);
  EXPECT_EQ(room(kEvening), 0);
}

TEST_F(GatesTest, AnOrgThatItsOwnLimitHoldsTakesNothingOfTheSharedPace) {
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
