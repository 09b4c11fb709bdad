#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/sending/lanes.hpp"

namespace coach_sms {

// Never more than `limit` messages in any `window` (microseconds). What is in flight counts, and
// what was settled at t counts at every moment before t + window: also when the clock is set back
// to before t, so that nobody gets more by that.
class SlidingWindow {
 public:
  SlidingWindow(int limit, std::int64_t window) : limit_(limit), window_(window) {}

  // A message is on its way, or nobody knows whether it is.
  void started(const Uuid& message) { in_flight_.insert(message); }
  // It was handed over, or may have been.
  void settled(const Uuid& message, std::int64_t at);
  // It provably was not.
  void released(const Uuid& message) { in_flight_.erase(message); }
  // One that was settled before this window was made.
  void load(std::int64_t settled_at) { settled_.insert(settled_at); }

  int room(std::int64_t now);
  // When there is room: now, or later; kNever where only what is in flight can make some.
  std::int64_t next_room_at(std::int64_t now);

  std::vector<Uuid> in_flight() const { return {in_flight_.begin(), in_flight_.end()}; }

 private:
  void forget_expired(std::int64_t now);

  int limit_;
  std::int64_t window_;
  std::set<Uuid> in_flight_;
  std::multiset<std::int64_t> settled_;
};

}  // namespace coach_sms
