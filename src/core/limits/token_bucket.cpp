#include "core/limits/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace coach_sms {

namespace {

constexpr double kSecond = 1e6;
// Sums of fractions may be this much short of a whole number.
constexpr double kRounding = 1e-6;

}  // namespace

void TokenBucket::configure(double per_second) {
  per_second_ = per_second;
  most_ = std::max(1.0, per_second);
  held_ = std::min(held_, most_);
}

int TokenBucket::room(std::int64_t now) {
  fill(now);
  return std::max(0, static_cast<int>(held_ + kRounding));
}

void TokenBucket::took(int segments, std::int64_t now) {
  fill(now);
  held_ -= segments;
}

std::int64_t TokenBucket::next_room_at(std::int64_t now) {
  fill(now);
  if (held_ + kRounding >= 1) return now;
  return now + static_cast<std::int64_t>(std::ceil((1 - held_) / per_second_ * kSecond));
}

// Fills the bucket up to `now`. A clock that was set back changes nothing, and filling goes on from
// its new time.
void TokenBucket::fill(std::int64_t now) {
  if (now > filled_at_)
    held_ = std::min(most_, held_ + static_cast<double>(now - filled_at_) / kSecond * per_second_);
  filled_at_ = now;
}

}  // namespace coach_sms
