#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "core/base/moments.hpp"
#include "core/base/uuid.hpp"

namespace coach_sms {

// Allows at most `limit` messages in any `window` (microseconds). A message in flight counts. A
// message settled at t counts at every moment before t + window, also after the clock is set back
// to before t. So a changed clock allows no more messages.
class SlidingWindow {
 public:
  SlidingWindow(int limit, std::int64_t window) : limit_(limit), window_(window) {}

  // Counts a message that is on its way, or may be.
  void started(const Uuid& message) { in_flight_.insert(message); }
  // Records that the message was handed over at that time, or may have been.
  void settled(const Uuid& message, std::int64_t at);
  // Takes back a message that was provably not handed over.
  void released(const Uuid& message) { in_flight_.erase(message); }
  // Counts a message that was settled before this window was made.
  void load(std::int64_t settled_at) { add(settled_at); }

  // Returns how many more messages may go now.
  int room(std::int64_t now);
  // Returns when there is room: now, or later; kNever where only messages in flight can make some.
  std::int64_t next_room_at(std::int64_t now);

  std::vector<Uuid> in_flight() const { return {in_flight_.begin(), in_flight_.end()}; }

 private:
  void add(std::int64_t settled_at);
  void forget_expired(std::int64_t now);

  int limit_;
  std::int64_t window_;
  std::set<Uuid> in_flight_;
  std::deque<std::int64_t> settled_;  // in order: 8 bytes a message, for as long as the window
};

}  // namespace coach_sms
