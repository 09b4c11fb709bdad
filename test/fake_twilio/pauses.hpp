#pragma once

#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace fake_twilio {

// Holds back the threads of requests that are not to go on yet: each connection has a thread of
// its own. Once the program ends, nothing is held back any longer.
class Pauses {
 public:
  // Returns after so many milliseconds; false, and at once, if the program ends.
  bool hold(long ms) {
    if (ms == 0) return true;
    std::unique_lock lock(mutex_);
    return !ended_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_; });
  }

  // Returns true once `reached` does, which is asked every millisecond; false after so many.
  bool hold_until(const std::function<bool()>& reached, long ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (!reached()) {
      if (std::chrono::steady_clock::now() >= end || !hold(1)) return false;
    }
    return true;
  }

  // Returns true after release(); false if the client has hung up or the program ends.
  bool stall(int socket) {
    std::unique_lock lock(mutex_);
    const std::uint64_t before = releases_;
    while (!stopping_ && releases_ == before) {
      if (has_hung_up(socket)) return false;
      ended_.wait_for(lock, std::chrono::milliseconds(10));
    }
    return !stopping_;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    ++releases_;
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ended_.notify_all();
  }

 private:
  static bool has_hung_up(int socket) {
    pollfd source = {socket, POLLRDHUP, 0};
    return poll(&source, 1, 0) > 0;
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::uint64_t releases_ = 0;
  bool stopping_ = false;
};

}  // namespace fake_twilio
