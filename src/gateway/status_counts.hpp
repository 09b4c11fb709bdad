#pragma once

#include <map>
#include <mutex>

namespace coach_sms {

// How many requests were answered with each HTTP status. Those of the public port are there from
// the begin on, so that Prometheus sees the first of them rise. May be used from any thread.
class StatusCounts {
 public:
  void count(int status) {
    const std::lock_guard lock(mutex_);
    ++counts_[status];
  }
  std::map<int, unsigned long long> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<int, unsigned long long> counts_{{200, 0}, {400, 0}, {403, 0}, {404, 0},
                                            {405, 0}, {413, 0}, {503, 0}};
};

}  // namespace coach_sms
