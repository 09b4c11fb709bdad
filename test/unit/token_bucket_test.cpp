#include "core/limits/token_bucket.hpp"

#include <gtest/gtest.h>

#include "core/limits/backlog_ramp.hpp"

namespace coach_sms {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'000'000 * kSecond;

TEST(TokenBucket, HoldsOneSecondsWorth) {
  TokenBucket pace(5);
  EXPECT_EQ(pace.room(kNow), 5);
  pace.took(5, kNow);
  EXPECT_EQ(pace.room(kNow), 0);
  EXPECT_EQ(pace.next_room_at(kNow), kNow + kSecond / 5);
  EXPECT_EQ(pace.room(kNow + kSecond / 5), 1);
  EXPECT_EQ(pace.room(kNow + 100 * kSecond), 5);
}

TEST(TokenBucket, BelowOneASecondStillLetsOneGo) {
  TokenBucket pace(0.5);
  EXPECT_EQ(pace.room(kNow), 1);
  pace.took(1, kNow);
  EXPECT_EQ(pace.next_room_at(kNow), kNow + 2 * kSecond);
}

TEST(TokenBucket, LongMessagesMakeDebt) {
  TokenBucket pace(1);
  EXPECT_EQ(pace.room(kNow), 1);
  pace.took(4, kNow);
  EXPECT_EQ(pace.next_room_at(kNow), kNow + 4 * kSecond);
  EXPECT_EQ(pace.room(kNow + 4 * kSecond - 1), 0);
  EXPECT_EQ(pace.room(kNow + 4 * kSecond), 1);
}

TEST(TokenBucket, AClockThatIsSetBackNeitherGivesNorStalls) {
  TokenBucket pace(2);
  pace.took(2, kNow);
  EXPECT_EQ(pace.room(kNow - 3'600 * kSecond), 0);
  EXPECT_EQ(pace.next_room_at(kNow - 3'600 * kSecond), kNow - 3'600 * kSecond + kSecond / 2);
}

TEST(TokenBucket, OverAnyTimeNoMoreThanRateAndBurst) {
  TokenBucket pace(10);
  int gone = 0;
  for (std::int64_t now = kNow; now <= kNow + 10 * kSecond; now += kSecond / 37) {
    const int room = pace.room(now);
    if (room > 0) pace.took(room, now);
    gone += room;
    EXPECT_LE(gone, 10 + static_cast<int>((now - kNow) * 10 / kSecond));
  }
  EXPECT_GE(gone, 105);
}

TEST(BacklogRamp, SpreadsEvenlyFromTheFirstMomentOn) {
  BacklogRamp opening(kNow, kNow + 300 * kSecond, 10);
  EXPECT_EQ(opening.room(kNow - 1), 0);
  EXPECT_EQ(opening.room(kNow), 1);
  opening.took(1);
  EXPECT_EQ(opening.room(kNow), 0);
  EXPECT_EQ(opening.next_room_at(kNow), kNow + 30 * kSecond);
  EXPECT_EQ(opening.room(kNow + 95 * kSecond), 3);
}

TEST(BacklogRamp, EndsWhenAllHaveGoneOrTheWhileIsOver) {
  BacklogRamp opening(kNow, kNow + 10 * kSecond, 2);
  EXPECT_FALSE(opening.is_over(kNow));
  EXPECT_TRUE(opening.is_over(kNow + 10 * kSecond));
  opening.took(2);
  EXPECT_TRUE(opening.is_over(kNow));
  EXPECT_EQ(opening.next_room_at(kNow), kNever);
}

TEST(BacklogRamp, NextRoomIsRoom) {
  for (int total = 1; total < 50; ++total) {
    BacklogRamp opening(kNow, kNow + 7 * kSecond + 3, total);
    for (int i = 0; i < total; ++i) {
      const std::int64_t next = opening.next_room_at(kNow);
      ASSERT_GE(opening.room(next), 1) << total << " " << i;
      opening.took(1);
    }
  }
}

}  // namespace
}  // namespace coach_sms
