#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <algorithm>
#include "core/lanes.hpp"
namespace coach_sms {
class Opening {
 public:
  Opening(std::int64_t f, std::int64_t u, int n) : f_(f), u_(u), n_(n) {}
  int room(std::int64_t now) const {
    if (now < f_) return 0;
    if (now >= u_) return n_ - k_;
    int may = static_cast<int>((now - f_) * n_ / (u_ - f_)) + 1;
    return std::max(0, std::min(n_, may) - k_);
  }
  void took(int c) { k_ += c; }
  std::int64_t next_room_at(std::int64_t now) const {
    return k_ >= n_ ? kNever
                    : std::max(now, f_ + (static_cast<std::int64_t>(k_) * (u_ - f_) + n_ - 1) / n_);
  }
  bool is_over(std::int64_t now) const { return now >= u_ || k_ >= n_; }

 private:
  std::int64_t f_, u_;
  int n_, k_ = 0;
};
}  // namespace coach_sms
