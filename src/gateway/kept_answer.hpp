#pragma once

#include <chrono>
#include <mutex>

#include "gateway/call.hpp"

namespace coach_sms {

// An answer that is asked for once a second at most, however many want it. May be called from any
// thread; one asks, and the others wait for it.
class KeptAnswer {
 public:
  // `ask` is a function without arguments that returns an Answer.
  template <typename Ask>
  Answer get(Ask ask) {
    const std::lock_guard lock(mutex_);
    if (Clock::now() >= ask_again_at_) {
      last_ = ask();
      ask_again_at_ = Clock::now() + std::chrono::seconds(1);
    }
    return last_;
  }

 private:
  std::mutex mutex_;
  Answer last_;
  Clock::time_point ask_again_at_;
};

}  // namespace coach_sms
