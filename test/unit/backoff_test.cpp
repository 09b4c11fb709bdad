#include "core/sending/backoff.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace coach_sms {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const RetryPolicy kDefault;
constexpr milliseconds kNoRetryAfter{0};

milliseconds middle(int attempt) {
  return retry_delay(kDefault, attempt, kNoRetryAfter, 0.5);
}

TEST(BackoffTest, TheDelayDoublesWithEachAttempt) {
  EXPECT_EQ(middle(1), minutes(1));
  EXPECT_EQ(middle(2), minutes(2));
  EXPECT_EQ(middle(3), minutes(4));
  EXPECT_EQ(middle(4), minutes(8));
}

TEST(BackoffTest, JitterIsTwentyPercentToEitherSide) {
  EXPECT_EQ(retry_delay(kDefault, 1, kNoRetryAfter, 0.0), seconds(48));
  EXPECT_EQ(retry_delay(kDefault, 1, kNoRetryAfter, 1.0), seconds(72));
  EXPECT_EQ(retry_delay(kDefault, 1, kNoRetryAfter, 0.25), seconds(54));
}

TEST(BackoffTest, NoDelayOfOurOwnIsAboveTheCap) {
  for (int attempt = 1; attempt <= 200; ++attempt) {
    EXPECT_LE(retry_delay(kDefault, attempt, kNoRetryAfter, 1.0), hours(1)) << attempt;
    EXPECT_GE(retry_delay(kDefault, attempt, kNoRetryAfter, 0.0), seconds(48)) << attempt;
  }
}

TEST(BackoffTest, DelaysAtTheCapStillDiffer) {
  EXPECT_EQ(retry_delay(kDefault, 50, kNoRetryAfter, 1.0), hours(1));
  EXPECT_EQ(retry_delay(kDefault, 50, kNoRetryAfter, 0.0), minutes(40));
  EXPECT_EQ(middle(50), minutes(50));
}

TEST(BackoffTest, RetryAfterIsAFloorEvenAboveTheCap) {
  EXPECT_EQ(retry_delay(kDefault, 1, hours(24), 0.5), hours(24));
  EXPECT_EQ(retry_delay(kDefault, 1, seconds(59), 0.5), minutes(1));
  EXPECT_EQ(retry_delay(kDefault, 1, seconds(61), 0.5), seconds(61));
}

TEST(BackoffTest, ExtremesDoNotOverflow) {
  constexpr int kMost = std::numeric_limits<int>::max();
  EXPECT_EQ(middle(kMost), minutes(50));
  EXPECT_EQ(middle(std::numeric_limits<int>::min()), minutes(1));
  EXPECT_EQ(middle(0), minutes(1));
  const RetryPolicy huge{milliseconds(std::numeric_limits<int>::max()), hours(1)};
  EXPECT_EQ(retry_delay(huge, kMost, kNoRetryAfter, 1.0), hours(1));
  EXPECT_EQ(retry_delay(kDefault, 1, milliseconds(-5), 0.5), minutes(1));
}

TEST(BackoffTest, ABaseOfNothingWaitsForNothing) {
  EXPECT_EQ(retry_delay({milliseconds(0), hours(1)}, 9, kNoRetryAfter, 0.5), milliseconds(0));
  EXPECT_EQ(retry_delay({minutes(1), milliseconds(0)}, 9, kNoRetryAfter, 0.5), milliseconds(0));
}

TEST(BackoffTest, ARandomNumberOutOfRangeCountsAsTheMiddle) {
  for (const double random : {-0.1, 1.1, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(retry_delay(kDefault, 1, kNoRetryAfter, random), minutes(1)) << random;
  }
}

}  // namespace
}  // namespace coach_sms
