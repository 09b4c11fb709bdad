#include <string>

#include "core/sending/question_ages.hpp"

#include <gtest/gtest.h>

namespace coach_sms::test {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

TEST(QuestionAges, EachQuestionIsFourTimesAsLateAsTheOneBefore) {
  EXPECT_EQ(question_ages(10 * kMinute),
            (std::vector<std::int64_t>{10 * kMinute, 40 * kMinute, 160 * kMinute, 640 * kMinute,
                                       2560 * kMinute}));
}

TEST(QuestionAges, TheLastOneIsLaterThanTwilioKeepsAMessageAndNoLaterThanThreeDays) {
  for (std::int64_t first = 1000; first < 8 * 60 * kMinute; first = first * 3 / 2) {
    const std::vector<std::int64_t> ages = question_ages(first);
    EXPECT_GT(ages.back(), 10 * 60 * kMinute) << first;
    EXPECT_LE(ages.back(), 3 * kDay) << first;
  }
  EXPECT_EQ(question_ages(3 * kDay), std::vector<std::int64_t>{3 * kDay});
}

TEST(QuestionAges, NothingIsAskedWhereTheFirstAgeIsNone) {
  EXPECT_TRUE(question_ages(0).empty());
  EXPECT_TRUE(question_ages(-1).empty());
}

}  // namespace
}  // namespace coach_sms::test
