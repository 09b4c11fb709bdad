#pragma once

#include <algorithm>
#include <cstdint>

namespace coach_sms {

// A circuit breaker for trouble that a person corrects, in minutes rather than in seconds. Each
// trouble holds for 5 s at first, doubling up to 5 minutes; then one request tests it.
// Microseconds.
class Circuit {
 public:
  static constexpr std::int64_t kFirstHold = 5'000'000;
  static constexpr std::int64_t kLongestHold = 300'000'000;

  // Returns whether the circuit is open, also while the test request is under way.
  bool is_open() const noexcept { return troubles_ > 0; }
  std::int64_t held_until() const noexcept { return held_until_; }

  // Records a trouble and returns how long it holds. Requests that were under way together count as
  // one trouble.
  std::int64_t open(std::int64_t now) noexcept {
    if (troubles_ == 0 || held_until_ <= now) ++troubles_;
    const std::int64_t hold = std::min(kFirstHold << std::min(troubles_ - 1, 10), kLongestHold);
    held_until_ = std::max(held_until_, now + hold);
    return hold;
  }
  void close() noexcept {
    troubles_ = 0;
    held_until_ = 0;
  }
  // Allows one request at a time until one succeeds, without a hold.
  void doubt() noexcept { troubles_ = std::max(troubles_, 1); }
  // Lets an open circuit be tried from that time on, because a person may have corrected the cause.
  void probe_at(std::int64_t at) noexcept {
    if (is_open()) held_until_ = std::min(held_until_, at);
  }
  // Ends the hold, because the clock that measured it was set back.
  void release() noexcept { held_until_ = 0; }

 private:
  int troubles_ = 0;  // in a row
  std::int64_t held_until_ = 0;
};

// Gives the times at which circuits may be tried early: at once, but no more than once in five
// seconds, however often settings change. Microseconds.
class ProbeTimes {
 public:
  std::int64_t next(std::int64_t now) noexcept {
    if (at_ <= now) at_ = std::max(now, at_ + Circuit::kFirstHold);
    return at_;
  }
  void release() noexcept { at_ = 0; }

 private:
  std::int64_t at_ = 0;
};

}  // namespace coach_sms
