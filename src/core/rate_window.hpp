#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <algorithm>
#include <deque>
#include <set>
#include <vector>
#include "core/lanes.hpp"
namespace coach_sms {
class RateWindow {
 public:
  RateWindow(int limit, std::int64_t w) : limit_(limit), w_(w) {}
  void started(const Uuid& m) { f_.insert(m); }
  void settled(const Uuid& m, std::int64_t at) {
    f_.erase(m);
    s_.insert(at);
  }
  void released(const Uuid& m) { f_.erase(m); }
  void load(std::int64_t at) { s_.insert(at); }
  int room(std::int64_t now) {
    while (!s_.empty() && *s_.begin() + w_ <= now)
      s_.erase(s_.begin());
    return std::max(0, limit_ - static_cast<int>(s_.size() + f_.size()));
  }
  std::int64_t next_room_at(std::int64_t now) {
    if (room(now) > 0) return now;
    int need = static_cast<int>(s_.size() + f_.size()) - limit_ + 1;
    if (need > static_cast<int>(s_.size())) return kNever;
    auto it = s_.begin();
    std::advance(it, need - 1);
    return *it + w_;
  }
  std::vector<Uuid> in_flight() const { return {f_.begin(), f_.end()}; }

 private:
  int limit_;
  std::int64_t w_;
  std::set<Uuid> f_;
  std::multiset<std::int64_t> s_;
};
}  // namespace coach_sms
