#include "core/limits/sliding_window.hpp"

#include <algorithm>

namespace coach_sms {

void SlidingWindow::settled(const Uuid& message, std::int64_t at) {
  in_flight_.erase(message);
  add(at);
}

int SlidingWindow::room(std::int64_t now) {
  forget_expired(now);
  const auto counted = static_cast<std::int64_t>(settled_.size() + in_flight_.size());
  return static_cast<int>(std::max<std::int64_t>(0, limit_ - counted));
}

std::int64_t SlidingWindow::next_room_at(std::int64_t now) {
  if (room(now) > 0) return now;
  const auto too_many = static_cast<std::int64_t>(settled_.size() + in_flight_.size()) - limit_ + 1;
  if (limit_ == 0 || too_many > static_cast<std::int64_t>(settled_.size())) return kNever;
  return settled_[static_cast<std::size_t>(too_many - 1)] + window_;
}

// Most messages are settled after the others, at the end.
void SlidingWindow::add(std::int64_t settled_at) {
  settled_.insert(std::upper_bound(settled_.begin(), settled_.end(), settled_at), settled_at);
}

// If the clock is set back later, SendLimits reads the past again.
void SlidingWindow::forget_expired(std::int64_t now) {
  settled_.erase(settled_.begin(),
                 std::upper_bound(settled_.begin(), settled_.end(), now - window_));
}

}  // namespace coach_sms
