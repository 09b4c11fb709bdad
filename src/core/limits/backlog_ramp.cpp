#include "core/limits/backlog_ramp.hpp"

#include <algorithm>

namespace coach_sms {

int BacklogRamp::room(std::int64_t now) const {
  if (now >= until_) return std::max(0, total_ - taken_);
  if (now < from_) return 0;
  const std::int64_t may_have_gone = (now - from_) * total_ / (until_ - from_) + 1;
  return static_cast<int>(
      std::max<std::int64_t>(0, std::min<std::int64_t>(total_, may_have_gone) - taken_));
}

std::int64_t BacklogRamp::next_room_at(std::int64_t now) const {
  if (taken_ >= total_) return kNever;
  // Rounded up, so that room() is then above 0.
  const std::int64_t wait = (taken_ * (until_ - from_) + total_ - 1) / total_;
  return std::max(now, from_ + wait);
}

}  // namespace coach_sms
