#include <string>

#include "core/sending/status_poll_ages.hpp"

#include <gtest/gtest.h>

namespace coach_sms::test {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

TEST(StatusPollAges, EachPollIsFourTimesAsLateAsTheOneBefore) {
  EXPECT_EQ(status_poll_ages(10 * kMinute),
            (std::vector<std::int64_t>{10 * kMinute, 40 * kMinute, 160 * kMinute, 640 * kMinute,
                                       2560 * kMinute}));
}

TEST(StatusPollAges, TheLastOneIsLaterThanTwilioKeepsAMessageAndNoLaterThanThreeDays) {
  for (std::int64_t first = 1000; first < 8 * 60 * kMinute; first = first * 3 / 2) {
    const std::vector<std::int64_t> ages = status_poll_ages(first);
    EXPECT_GT(ages.back(), 10 * 60 * kMinute) << first;
    EXPECT_LE(ages.back(), 3 * kDay) << first;
  }
  EXPECT_EQ(status_poll_ages(3 * kDay), std::vector<std::int64_t>{3 * kDay});
}

TEST(StatusPollAges, NothingIsAskedWhereTheFirstAgeIsNone) {
  EXPECT_TRUE(status_poll_ages(0).empty());
  EXPECT_TRUE(status_poll_ages(-1).empty());
}

}  // namespace
}  // namespace coach_sms::test
