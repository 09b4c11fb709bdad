#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <algorithm>
#include "core/lanes.hpp"
namespace coach_sms {
class Pace {
 public:
  explicit Pace(double r) : r_(r), t_(std::max(1.0, r)) {}
  void configure(double r) { r_ = r; }
  int room(std::int64_t now) {
    fill(now);
    return t_ >= 1 ? static_cast<int>(t_) : 0;
  }
  void took(int s, std::int64_t now) {
    fill(now);
    t_ -= s;
  }
  std::int64_t next_room_at(std::int64_t now) {
    fill(now);
    return t_ >= 1 ? now : now + static_cast<std::int64_t>((1 - t_) / r_ * 1e6) + 1;
  }

 private:
  void fill(std::int64_t now) {
    if (at_ && now > at_)
      t_ = std::min(std::max(1.0, r_), t_ + static_cast<double>(now - at_) / 1e6 * r_);
    at_ = now;
  }
  double r_, t_;
  std::int64_t at_ = 0;
};
}  // namespace coach_sms
