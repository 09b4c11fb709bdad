#include "core/limits/sliding_window.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "lanes_fixture.hpp"
#include "random_seed.hpp"

namespace coach_sms {
namespace {

using test::uuid;

constexpr std::int64_t kHour = 3'600'000'000;

TEST(SlidingWindow, CountsWhatIsInFlight) {
  SlidingWindow window(2, kHour);
  window.started(uuid(1));
  window.started(uuid(2));
  EXPECT_EQ(window.room(0), 0);
  EXPECT_EQ(window.next_room_at(0), kNever);
  window.released(uuid(1));
  EXPECT_EQ(window.room(0), 1);
}

TEST(SlidingWindow, ASlotIsFreeAWindowAfterItWasSettled) {
  SlidingWindow window(1, kHour);
  window.started(uuid(1));
  window.settled(uuid(1), 100);
  EXPECT_EQ(window.next_room_at(100), 100 + kHour);
  EXPECT_EQ(window.room(100 + kHour - 1), 0);
  EXPECT_EQ(window.room(100 + kHour), 1);
}

TEST(SlidingWindow, AClockThatIsSetBackGivesNothing) {
  SlidingWindow window(1, kHour);
  window.settled(uuid(1), 3 * kHour);
  EXPECT_EQ(window.room(kHour), 0);
}

TEST(SlidingWindow, OverItsLimitWaitsForSeveral) {
  SlidingWindow window(2, kHour);
  for (int i = 0; i < 4; ++i)
    window.load(i);
  EXPECT_EQ(window.room(10), 0);
  EXPECT_EQ(window.next_room_at(10), 2 + kHour);
}

TEST(SlidingWindow, ZeroIsNever) {
  SlidingWindow window(0, kHour);
  EXPECT_EQ(window.room(0), 0);
  EXPECT_EQ(window.next_room_at(0), kNever);
}

// Beside a list of everything that ever happened.
class Model {
 public:
  Model(int limit, std::int64_t window) : limit_(limit), window_(window) {}

  int counted(std::int64_t now) const {
    int count = 0;
    for (const auto& [message, settled_at] : handed_)
      if (settled_at == kNever || settled_at + window_ > now) ++count;
    return count;
  }
  int room(std::int64_t now) const { return std::max(0, limit_ - counted(now)); }
  // Moment by moment: when the count falls below the limit, were nothing else to happen.
  std::int64_t next_room_at(std::int64_t now) const {
    if (room(now) > 0) return now;
    std::int64_t next = kNever;
    for (const auto& [message, settled_at] : handed_)
      if (settled_at != kNever && settled_at + window_ > now && room(settled_at + window_) > 0)
        next = std::min(next, settled_at + window_);
    return next;
  }
  std::map<int, std::int64_t> handed_;  // kNever: in flight

 private:
  int limit_;
  std::int64_t window_;
};

TEST(SlidingWindowProperty, IsExactlyTheModel) {
  SCOPED_TRACE(test::seed_text());
  std::mt19937 random(test::random_seed());
  for (int round = 0; round < 300; ++round) {
    const bool is_set_back = round % 2 == 0;  // once
    const int set_back_at = static_cast<int>(random() % 200);
    const int limit = static_cast<int>(random() % 6);
    const std::int64_t length = 50 + static_cast<std::int64_t>(random() % 200);
    SlidingWindow window(limit, length);
    Model model(limit, length);
    std::vector<int> flying;
    std::int64_t now = 1'000;
    for (int step = 0; step < 200; ++step) {
      now += static_cast<std::int64_t>(random() % 40);
      if (is_set_back && step == set_back_at) now -= static_cast<std::int64_t>(random() % 30);
      if (window.room(now) > 0 && random() % 2 == 0) {
        window.started(uuid(step));
        model.handed_[step] = kNever;
        flying.push_back(step);
      } else if (!flying.empty() && random() % 2 == 0) {
        const int message = flying.back();
        flying.pop_back();
        if (random() % 4 == 0) {
          window.released(uuid(message));
          model.handed_.erase(message);
        } else {
          window.settled(uuid(message), now);
          model.handed_[message] = now;
        }
      }
      // A clock that goes back may bring back in the model what the window has forgotten: that is
      // real time that has passed all the same, and never more than a step of the clock.
      ASSERT_GE(window.room(now), model.room(now));
      if (!is_set_back) {
        ASSERT_EQ(window.room(now), model.room(now));
      }
      ASSERT_LE(model.counted(now + 30), limit);
      if (model.room(now) == window.room(now)) {
        ASSERT_EQ(window.next_room_at(now), model.next_room_at(now));
      }
    }
  }
}

}  // namespace
}  // namespace coach_sms
