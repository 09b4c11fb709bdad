#include "pg/shared/latency.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace coach_sms {
namespace {

constexpr int64_t kMillisecond = 1'000;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kLowest = 63;
constexpr int64_t kHighest = 131'072'000;  // a little more than two minutes

double only(int64_t microseconds) {
  LatencyHistogram histogram{};
  histogram.add(microseconds);
  return histogram.percentile_ms(0.5);
}

TEST(LatencyTest, ZeroedMemoryIsAnEmptyHistogram) {
  static_assert(std::is_trivially_copyable_v<LatencyHistogram>);
  const LatencyHistogram histogram{};
  EXPECT_EQ(histogram.percentile_ms(0), 0);
  EXPECT_EQ(histogram.percentile_ms(0.5), 0);
  EXPECT_EQ(histogram.percentile_ms(1), 0);
}

TEST(LatencyTest, ATimeIsShownAsItselfOrAtMostAnEighthMore) {
  for (int64_t time = kLowest; time < kHighest; time += 1 + time / 97) {
    const double shown = only(time) * 1000;
    EXPECT_GE(shown, static_cast<double>(time));
    EXPECT_LE(shown, static_cast<double>(time) * 1.125 + 1) << time;
  }
}

TEST(LatencyTest, ALongerTimeIsNeverShownAsShorter) {
  double before = 0;
  for (int64_t time = 0; time < kHighest; time += 1 + time / 200) {
    const double shown = only(time);
    EXPECT_GE(shown, before) << time;
    before = shown;
  }
}

TEST(LatencyTest, TimesBelowTheFirstBucketAndAboveTheLastAreShownAsThese) {
  const double first = only(kLowest);
  EXPECT_EQ(only(0), first);
  EXPECT_EQ(only(-5), first);
  EXPECT_EQ(only(std::numeric_limits<int64_t>::min()), first);
  const double last = only(kHighest - 1);
  EXPECT_DOUBLE_EQ(last, static_cast<double>(kHighest) / 1000);
  EXPECT_EQ(only(kHighest), last);
  EXPECT_EQ(only(3'600 * kSecond), last);
  EXPECT_EQ(only(std::numeric_limits<int64_t>::max()), last);
}

TEST(LatencyTest, AShareIsThatOfRequestsWhichTookNoLonger) {
  LatencyHistogram histogram{};
  for (int i = 0; i < 59; ++i)
    histogram.add(10 * kMillisecond);
  histogram.add(5 * kSecond);
  const double fast = only(10 * kMillisecond);
  const double slow = only(5 * kSecond);
  EXPECT_EQ(histogram.percentile_ms(0), fast);
  EXPECT_EQ(histogram.percentile_ms(0.5), fast);
  EXPECT_EQ(histogram.percentile_ms(0.98), fast);
  EXPECT_EQ(histogram.percentile_ms(0.99), slow);  // 59 of 60 are fewer than 99 %
  EXPECT_EQ(histogram.percentile_ms(1), slow);
}

TEST(LatencyTest, AnyPercentileIsWithinAnEighthOfThatOfTheTimesThemselves) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> draw(11, 1.5);  // around 60 ms, with a long tail
  LatencyHistogram histogram{};
  std::vector<int64_t> times;
  for (int i = 0; i < 8'000; ++i) {
    times.push_back(std::clamp(static_cast<int64_t>(draw(random)), kLowest, kHighest - 1));
    histogram.add(times.back());
  }
  std::sort(times.begin(), times.end());
  for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 8'000));
    const auto truth = static_cast<double>(times[rank - 1]) / 1000;
    EXPECT_GE(histogram.percentile_ms(share), truth) << share;
    EXPECT_LE(histogram.percentile_ms(share), truth * 1.125 + 0.001) << share;
  }
}

TEST(LatencyTest, OldTimesFadeAsNewOnesCome) {
  LatencyHistogram histogram{};
  for (int i = 0; i < 100'000; ++i)
    histogram.add(10 * kSecond);
  EXPECT_EQ(histogram.percentile_ms(0.5), only(10 * kSecond));
  for (int i = 0; i < 10'000; ++i)
    histogram.add(kMillisecond);
  EXPECT_EQ(histogram.percentile_ms(0.5), only(kMillisecond));
  for (int i = 0; i < 60'000; ++i)
    histogram.add(kMillisecond);
  EXPECT_EQ(histogram.percentile_ms(0.99), only(kMillisecond));
}

TEST(LatencyTest, EdgesCountTimesUpToThemAndAllTimesSinceTheBegin) {
  LatencyHistogram histogram{};
  for (int i = 0; i < 20'000; ++i)
    histogram.add(kMillisecond);
  histogram.add(kMillisecond + 1);
  histogram.add(3'600 * kSecond);
  EXPECT_EQ(LatencyHistogram::edge_seconds(0), 0.001);
  EXPECT_EQ(LatencyHistogram::edge_seconds(10), 1.024);
  EXPECT_EQ(histogram.count_up_to(0), 20'000U);
  EXPECT_EQ(histogram.count_up_to(1), 20'001U);
  EXPECT_EQ(histogram.count_up_to(LatencyHistogram::kEdges - 1), 20'001U);
  EXPECT_EQ(histogram.count(), 20'002U);
  EXPECT_NEAR(histogram.sum_seconds(), 3'620.001, 1e-6);
}

}  // namespace
}  // namespace coach_sms
