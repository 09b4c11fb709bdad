#include "gateway/office/attempts.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

using namespace std::chrono_literals;

TEST(AttemptsTest, AnAddressWaitsLongerAfterEachFailure) {
  Attempts attempts;
  Clock::time_point now{};
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(attempts.begin("a", now)) << i;
  EXPECT_FALSE(attempts.begin("a", now));
  EXPECT_TRUE(attempts.begin("b", now)) << "another address need not wait";
  now += 1s;
  EXPECT_TRUE(attempts.begin("a", now));
  EXPECT_FALSE(attempts.begin("a", now + 1s));
  EXPECT_TRUE(attempts.begin("a", now + 2s));
  EXPECT_FALSE(attempts.begin("a", now + 5s));
}

TEST(AttemptsTest, ASuccessIsNoFailureAndForgivesNone) {
  Attempts attempts;
  Clock::time_point now = Clock::time_point() + 24h;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(attempts.begin("a", now)) << i;
    attempts.succeeded("a");
  }
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(attempts.begin("a", now)) << i;
  EXPECT_TRUE(attempts.begin("a", now));
  attempts.succeeded("a");
  now += 1s;
  EXPECT_TRUE(attempts.begin("a", now)) << "the fifth failure";
  EXPECT_FALSE(attempts.begin("a", now));
}

TEST(AttemptsTest, TimeForgetsFailures) {
  Attempts attempts;
  Clock::time_point now{};
  for (int i = 0; i < 5; ++i)
    attempts.begin("a", now);
  now += 2h;
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(attempts.begin("a", now)) << i;
}

TEST(AttemptsTest, ManyAddressesFillNoMemory) {
  Attempts attempts;
  const Clock::time_point now{};
  for (int i = 0; i < 10'000; ++i)
    EXPECT_TRUE(attempts.begin(std::to_string(i), now));
  EXPECT_FALSE(attempts.begin("one more", now));
  EXPECT_TRUE(attempts.begin("one more", now + 1s));
}

}  // namespace
}  // namespace coach_sms
