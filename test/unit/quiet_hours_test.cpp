#include "core/limits/quiet_hours.hpp"

#include <gtest/gtest.h>

#include "zone_fixture.hpp"

namespace coach_sms {
namespace {

using namespace test;

constexpr QuietHours kNight{21, 8};

std::vector<ZoneSpan> around(const char* zone, std::int64_t at) {
  return SystemZone(zone).spans(at - 3 * kDay, at + 4 * kDay);
}

TEST(QuietHours, EqualHoursAreNone) {
  const std::int64_t at = utc(2026, 6, 1, 3);
  const auto zone = around("UTC", at);
  EXPECT_FALSE(is_quiet({3, 3}, zone, at));
  EXPECT_EQ(opens_at({3, 3}, zone, at), at);
  EXPECT_EQ(closes_at({3, 3}, zone, at), kNever);
  EXPECT_EQ(opened_at({3, 3}, zone, at), kAlways);
}

TEST(QuietHours, TheStartIsQuietAndTheEndIsNot) {
  const auto zone = around("UTC", utc(2026, 6, 1, 12));
  EXPECT_FALSE(is_quiet(kNight, zone, utc(2026, 6, 1, 21) - 1));
  EXPECT_TRUE(is_quiet(kNight, zone, utc(2026, 6, 1, 21)));
  EXPECT_TRUE(is_quiet(kNight, zone, utc(2026, 6, 2, 8) - 1));
  EXPECT_FALSE(is_quiet(kNight, zone, utc(2026, 6, 2, 8)));
}

TEST(QuietHours, OverMidnightTheyEndInTheMorning) {
  const auto zone = around("UTC", utc(2026, 6, 1, 12));
  EXPECT_EQ(opens_at(kNight, zone, utc(2026, 6, 1, 23, 59)), utc(2026, 6, 2, 8));
  EXPECT_EQ(opens_at(kNight, zone, utc(2026, 6, 2, 0, 1)), utc(2026, 6, 2, 8));
  EXPECT_EQ(closes_at(kNight, zone, utc(2026, 6, 2, 8)), utc(2026, 6, 2, 21));
  EXPECT_EQ(opened_at(kNight, zone, utc(2026, 6, 2, 8)), utc(2026, 6, 2, 8));
  EXPECT_EQ(opened_at(kNight, zone, utc(2026, 6, 2, 20, 59)), utc(2026, 6, 2, 8));
}

TEST(QuietHours, MayBeOneHourOrAllButOne) {
  const auto zone = around("UTC", utc(2026, 6, 1, 12));
  EXPECT_EQ(opens_at({12, 13}, zone, utc(2026, 6, 1, 12, 30)), utc(2026, 6, 1, 13));
  EXPECT_EQ(closes_at({12, 13}, zone, utc(2026, 6, 1, 13)), utc(2026, 6, 2, 12));
  EXPECT_EQ(opens_at({13, 12}, zone, utc(2026, 6, 1, 13)), utc(2026, 6, 2, 12));
}

TEST(QuietHours, CountInTheZoneOfTheWallClock) {
  // Kathmandu is 5:45 ahead: 8:00 there is 2:15 in UTC.
  const auto zone = around("Asia/Kathmandu", utc(2026, 6, 1, 0));
  EXPECT_EQ(opens_at(kNight, zone, utc(2026, 6, 1, 0)), utc(2026, 6, 1, 2, 15));
}

TEST(QuietHours, SydneyOnTheDayItsClocksGoForward) {
  // 4 October 2026, 2:00 becomes 3:00 (+10 to +11).
  const auto zone = around("Australia/Sydney", utc(2026, 10, 3, 12));
  EXPECT_EQ(opens_at(kNight, zone, utc(2026, 10, 3, 12)), utc(2026, 10, 3, 21));
  // A window that would end at 2:00 ends when the clock shows 3:00; the hour from 2 to 3 never
  // comes.
  EXPECT_EQ(opens_at({22, 2}, zone, utc(2026, 10, 3, 14)), utc(2026, 10, 3, 16));
  EXPECT_EQ(opens_at({22, 3}, zone, utc(2026, 10, 3, 14)), utc(2026, 10, 3, 16));
  EXPECT_EQ(closes_at({2, 3}, zone, utc(2026, 10, 3, 12)), utc(2026, 10, 4, 15));
}

TEST(QuietHours, SydneyOnTheDayItsClocksGoBack) {
  // 5 April 2026, 3:00 becomes 2:00 (+11 to +10): the hour from 2 to 3 comes twice, both times
  // quiet.
  const auto zone = around("Australia/Sydney", utc(2026, 4, 4, 12));
  EXPECT_EQ(opens_at({2, 3}, zone, utc(2026, 4, 4, 15, 30)), utc(2026, 4, 4, 17));
  // A window that ends at 2:00 ends the first time, and does not come back.
  EXPECT_EQ(opens_at({22, 2}, zone, utc(2026, 4, 4, 14)), utc(2026, 4, 4, 15));
  EXPECT_FALSE(is_quiet({22, 2}, zone, utc(2026, 4, 4, 16, 30)));
}

TEST(QuietHours, NewYorkOnBothDays) {
  // 8 March 2026, 2:00 becomes 3:00; 1 November 2026, 2:00 becomes 1:00.
  const auto spring = around("America/New_York", utc(2026, 3, 8, 3));
  EXPECT_EQ(opens_at(kNight, spring, utc(2026, 3, 8, 3)), utc(2026, 3, 8, 12));
  EXPECT_EQ(opens_at({1, 2}, spring, utc(2026, 3, 8, 6)), utc(2026, 3, 8, 7));
  const auto autumn = around("America/New_York", utc(2026, 11, 1, 3));
  EXPECT_EQ(opens_at(kNight, autumn, utc(2026, 11, 1, 3)), utc(2026, 11, 1, 13));
  // An hour from 1 to 2 that comes twice is open in between for no moment.
  EXPECT_EQ(opens_at({1, 2}, autumn, utc(2026, 11, 1, 5)), utc(2026, 11, 1, 7));
}

TEST(QuietHours, LordHoweMovesByHalfAnHour) {
  // 4 October 2026, 2:00 becomes 2:30; 5 April 2026, 2:00 becomes 1:30.
  const auto spring = around("Australia/Lord_Howe", utc(2026, 10, 3, 12));
  EXPECT_EQ(opens_at({1, 2}, spring, utc(2026, 10, 3, 14, 30)), utc(2026, 10, 3, 15, 30));
  EXPECT_TRUE(is_quiet({2, 3}, spring, utc(2026, 10, 3, 15, 30)));
  EXPECT_EQ(opens_at({2, 3}, spring, utc(2026, 10, 3, 15, 30)), utc(2026, 10, 3, 16));
  const auto autumn = around("Australia/Lord_Howe", utc(2026, 4, 4, 12));
  EXPECT_EQ(opens_at({1, 2}, autumn, utc(2026, 4, 4, 14)), utc(2026, 4, 4, 15, 30));
}

}  // namespace
}  // namespace coach_sms
