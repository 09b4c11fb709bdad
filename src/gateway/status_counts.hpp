#pragma once

#include <map>
#include <mutex>

namespace coach_sms {

// How many requests were answered with each HTTP status. May be used from any thread.
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
  std::map<int, unsigned long long> counts_;
};

}  // namespace coach_sms
