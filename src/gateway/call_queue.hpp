#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/call.hpp"

namespace coach_sms {

using Calls = std::vector<std::shared_ptr<Call>>;

// The calls that are held until the database has taken them. Their number and bytes are bounded.
// All functions may be called from any thread.
class CallQueue {
 public:
  CallQueue(std::size_t most_calls, std::size_t most_bytes)
      : most_calls_(most_calls), most_bytes_(most_bytes) {}

  // Adds a call. Returns false if there is no room, or after close(). Throws where there is no
  // memory; then it has no call more.
  bool add(const std::shared_ptr<Call>& call);
  // Waits for calls, and takes at most `limit` of them, oldest first. Returns none once close() was
  // called and no call waits.
  Calls take(std::size_t limit);
  // Puts calls that are not answered back, in front of the others.
  void give_back(const Calls& calls);
  // Answers a call, unless it is answered already. Every call is answered here.
  void answer(Call& call, Answer given);
  // Answers the calls whose time is over, whether or not a worker has them: 503. Returns how many.
  // Frees the memory of answered calls. To be called several times a second.
  int expire(Clock::time_point now);
  // Takes no more calls, and lets take() return none once no call waits.
  void close();
  // Returns the number of calls that are not answered.
  std::size_t held() const;

 private:
  void forget_answered();

  std::size_t most_calls_;
  std::size_t most_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Call>> waiting_;
  std::deque<std::weak_ptr<Call>> by_age_;  // all that are held, and some that are answered
  std::size_t held_ = 0;
  std::size_t bytes_ = 0;  // of the held calls
  bool closed_ = false;
};

}  // namespace coach_sms
