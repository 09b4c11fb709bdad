#include "core/sending/holds.hpp"

#include <gtest/gtest.h>

#include "core/sending/account_throttle.hpp"
#include "send_limits_fixture.hpp"

namespace coach_sms {
namespace {

using namespace test;

struct HoldsTest : SendLimitsTest {
  // The published state, as a reader of sms_holds would have it.
  std::map<HoldKey, Hold> seen;

  void publish() {
    for (const HoldChange& change : holds.changes(100)) {
      if (change.hold)
        seen[change.key] = *change.hold;
      else
        seen.erase(change.key);
    }
    holds.published(100);
  }
  // Why the only org waits, and until when; nothing where it does not.
  std::optional<Hold> hold() {
    publish();
    return seen.empty() ? std::nullopt : std::optional(seen.begin()->second);
  }
};

TEST_F(HoldsTest, EachLimitSaysWhyAndUntilWhen) {
  constexpr std::int64_t kNight = kEvening + kHour;
  org(1, quiet());
  admit(kNight);
  EXPECT_EQ(hold(), (Hold{"quiet hours", kEvening + 12 * kHour + kHour / 2}));
  know(1, hourly(1));
  lanes.release_all();
  start(1, 100, kNight);
  limits.settled(uuid(100), kNight);
  admit(kNight);
  EXPECT_EQ(hold(), (Hold{"max_sms_per_hour (1) is reached", kNight + kHour}));
  know(1, monthly(2));
  lanes.release_all();
  start(1, 101, kNight, 2);
  admit(kNight);
  EXPECT_EQ(hold(), (Hold{"monthly_budget_segments (2) is used up", kEvening + 10 * kDay}));
  know(1, rules());
  lanes.release_all();
  EXPECT_EQ(admit(kNight).size(), 1U);
  EXPECT_EQ(hold(), std::nullopt) << "nothing holds it any more";
}

TEST_F(HoldsTest, PaceIsToldOncePerMinuteAndNotForEachMessage) {
  org(1, paced(1));
  for (std::int64_t now = kEvening; now < kEvening + 30 * kSecond; now += kSecond / 10) {
    for (const ClaimOrder& order : admit(now))
      start(1, static_cast<int>(now / kSecond), now, order.limit);
    if (now == kEvening) publish();
  }
  ASSERT_TRUE(hold());
  EXPECT_EQ(hold()->why, "max_segments_per_second sets the pace");
  EXPECT_GT(hold()->until, kEvening + kHour / 60);
  EXPECT_FALSE(holds.has_changes());
}

TEST_F(HoldsTest, WhatIsTheSameIsNoChange) {
  holds.set_org(HoldRule::kOrg, uuid(1), {"paused", 5});
  publish();
  holds.set_org(HoldRule::kOrg, uuid(1), {"paused", 5});
  EXPECT_FALSE(holds.has_changes());
  holds.set_org(HoldRule::kOrg, uuid(1), {"paused", 6});
  EXPECT_TRUE(holds.has_changes());
  holds.clear_org(HoldRule::kAccount, uuid(1));
  publish();
  EXPECT_EQ(seen.size(), 1U) << "each rule clears its own holds alone";
}

TEST_F(HoldsTest, ForgetsWhatWaitsNoMore) {
  holds.set_server(HoldRule::kServer, {"not armed"});
  for (int org = 1; org <= 2; ++org) {
    holds.set_org(HoldRule::kOrg, uuid(org), {"paused"});
    holds.set_lane(HoldRule::kQuietHours, lane(org), {"quiet hours", 5});
  }
  publish();
  EXPECT_EQ(seen.size(), 5U);
  holds.keep_only({{lane(2), 10}}, 10);
  publish();
  EXPECT_EQ(seen.size(), 3U) << "the server's, the other org's and its lane's";
  holds.keep_only({{lane(2), 11}}, 10);
  publish();
  EXPECT_EQ(seen.size(), 1U) << "the server's: nothing is due in the other's lane";
}

TEST_F(HoldsTest, ChangesComeInPortions) {
  for (int org = 1; org <= 25; ++org)
    holds.set_org(HoldRule::kOrg, uuid(org), {"paused"});
  EXPECT_EQ(holds.changes(10).size(), 10U);
  holds.published(10);
  EXPECT_EQ(holds.changes(100).size(), 15U);
  holds.published(100);
  EXPECT_FALSE(holds.has_changes());
}

TEST(AccountHolds, TroubleHasItsErrorAndNoEnd) {
  AccountThrottle accounts(10);
  Settlement refused;
  refused.outcome = Outcome::kRetry;
  refused.account_trouble = true;
  refused.error_code = "20003";
  EXPECT_EQ(accounts.hold_of("a", 0), std::nullopt);
  accounts.started("a");
  accounts.finished("a", refused, kSecond);
  const auto hold = accounts.hold_of("a", kSecond);
  ASSERT_TRUE(hold);
  EXPECT_TRUE(hold->is_trouble);
  EXPECT_EQ(hold->until, kNever);
  EXPECT_NE(hold->why.find("20003"), std::string::npos);
  EXPECT_TRUE(accounts.hold_of("a", 10'000 * kSecond))
      << "until a request has shown that it is over";
  Settlement accepted;
  accepted.outcome = Outcome::kAccepted;
  accounts.started("a");
  accounts.finished("a", accepted, 10'000 * kSecond);
  EXPECT_EQ(accounts.hold_of("a", 10'000 * kSecond), std::nullopt);
}

TEST(AccountHolds, SlowingDownEndsByItself) {
  AccountThrottle accounts(10);
  Settlement slower;
  slower.outcome = Outcome::kRetry;
  slower.slow_down = true;
  slower.error_code = "20429";
  slower.retry_after = std::chrono::seconds(3);
  accounts.started("a");
  accounts.finished("a", slower, kSecond);
  const auto hold = accounts.hold_of("a", kSecond);
  ASSERT_TRUE(hold);
  EXPECT_FALSE(hold->is_trouble);
  EXPECT_EQ(hold->until, 4 * kSecond);
  EXPECT_EQ(accounts.hold_of("a", 4 * kSecond), std::nullopt);
}

std::int64_t moment;

TEST(FreeSinceTest, IsTheEndOfTheLastHoldOfTheLaneItsOrgOrAll) {
  Holds holds([] { return moment; });
  const LaneKey lane{uuid(1), "", 0};
  const LaneKey other{uuid(1), "UTC", 0};
  EXPECT_EQ(holds.free_since(lane), kAlways);
  moment = 10;
  holds.set_lane(HoldRule::kQuietHours, lane, {"quiet hours"});
  EXPECT_EQ(holds.free_since(lane), std::nullopt);
  EXPECT_EQ(holds.free_since(other), kAlways);
  holds.set_org(HoldRule::kAccount, uuid(1), {"account"});
  holds.set_org(HoldRule::kPace, uuid(1), {"pace"});
  moment = 20;
  holds.clear_lane(HoldRule::kQuietHours, lane);
  holds.clear_org(HoldRule::kAccount, uuid(1));
  EXPECT_EQ(holds.free_since(other), std::nullopt) << "one hold of two is left";
  moment = 30;
  holds.clear_org(HoldRule::kPace, uuid(1));
  moment = 40;
  holds.clear_org(HoldRule::kPace, uuid(1));
  EXPECT_EQ(holds.free_since(other), 30);
  EXPECT_EQ(holds.free_since(lane), 30);
  EXPECT_EQ(holds.free_since({uuid(2), "", 0}), kAlways) << "another org";
  holds.set_server(HoldRule::kServer, {"not armed"});
  EXPECT_EQ(holds.free_since({uuid(2), "", 0}), std::nullopt);
  moment = 50;
  holds.clear_all();
  EXPECT_EQ(holds.free_since({uuid(2), "", 0}), 50);
}

TEST(FreeSinceTest, IsForgottenWhereNothingIsDue) {
  Holds holds([] { return moment; });
  const LaneKey lane{uuid(1), "", 0};
  holds.set_org(HoldRule::kHour, uuid(1), {"hour"});
  holds.keep_only({}, 100);
  EXPECT_EQ(holds.free_since(lane), kAlways);
}

}  // namespace
}  // namespace coach_sms
