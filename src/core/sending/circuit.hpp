#pragma once

#include <algorithm>
#include <cstdint>

namespace coach_sms {

// A circuit breaker for what a person puts right, in minutes rather than in seconds. Each trouble
// holds for 5 s at first, doubling up to 5 minutes; then one request finds out. Microseconds.
class Circuit {
 public:
  static constexpr std::int64_t kFirstHold = 5'000'000;
  static constexpr std::int64_t kLongestHold = 300'000'000;

  // Whether it is open, or was and the request that finds out is still under way.
  bool is_open() const noexcept { return troubles_ > 0; }
  std::int64_t held_until() const noexcept { return held_until_; }

  // Requests that were under way together count as one trouble. Returns how long that holds.
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
  // One request at a time until one succeeds; nothing is held.
  void doubt() noexcept { troubles_ = std::max(troubles_, 1); }
  // A person may have put it right: it may be tried from that time on.
  void probe_at(std::int64_t at) noexcept {
    if (is_open()) held_until_ = std::min(held_until_, at);
  }
  // The clock by which the hold was measured was set back.
  void release() noexcept { held_until_ = 0; }

 private:
  int troubles_ = 0;  // in a row
  std::int64_t held_until_ = 0;
};

// When circuits may be tried before their time: at once, but no more than once in five seconds,
// however often somebody changes something.
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
