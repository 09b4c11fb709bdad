#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fake_twilio {

struct Exchange;
enum class Wake : std::uint8_t;
using SteadyTime = std::chrono::steady_clock::time_point;

// Requests that are not to go on yet. A parked one holds no thread: libmicrohttpd leaves its
// connection alone (MHD_suspend_connection) until one thread of ours resumes it, because its
// time has come, somebody released it, or, for those that would wait for ever, because the
// client hung up (libmicrohttpd does not watch a suspended connection).
class Parking {
 public:
  Parking();
  ~Parking();
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  // Call from the request's own handler, and return from it at once afterwards. The ticket is
  // for release().
  std::uint64_t park_until(Exchange& exchange, SteadyTime due);
  // Until released, the client hangs up or, if given, `due`.
  std::uint64_t park_watched(Exchange& exchange, std::optional<SteadyTime> due);
  // Until release_stalled() or the client hangs up.
  std::uint64_t park_stalled(Exchange& exchange);

  void release(std::uint64_t ticket);  // no such ticket: nothing happens
  void release_stalled();
  bool holds(std::uint64_t ticket) const;

  // Resumes all of them for the last time; what is parked later is resumed at once.
  void stop();

 private:
  struct Parked {
    Exchange* exchange;
    bool watched;
    bool stalled;
  };
  using Due = std::pair<SteadyTime, std::uint64_t>;

  std::uint64_t park(Parked parked, std::optional<SteadyTime> due);
  void wake(std::uint64_t ticket, Wake reason);
  void run();
  void wake_due();
  void wake_abandoned();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::uint64_t, Parked> parked_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> dues_;
  std::uint64_t last_ticket_ = 0;
  std::size_t watched_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fake_twilio
