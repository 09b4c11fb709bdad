#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fake_twilio {

class Parking;

enum class Counter { kRequests, kAccepted, kOpen, kCallbacks };
constexpr std::array<const char*, 4> kCounterNames = {"requests", "accepted", "open", "callbacks"};

// What /control/wait waits for, by counter; nothing: no matter.
using Goals = std::array<std::optional<std::int64_t>, 4>;

// How much has happened, and who waits for how much. Counting takes no lock unless somebody waits.
class Counters {
 public:
  explicit Counters(Parking& parking) : parking_(parking) {}

  void add(Counter counter, std::int64_t amount = 1);
  std::int64_t value(Counter counter) const { return values_[index(counter)].load(); }
  bool reached(const Goals& goals) const;

  // Wakes the parked request `ticket` once all goals are reached: at once if they are.
  void wake_when(const Goals& goals, std::uint64_t ticket);
  // Everything to zero but kOpen, which is a state and no history.
  void forget_all();

 private:
  struct Waiter {
    Goals goals;
    std::uint64_t ticket;
  };

  static std::size_t index(Counter counter) { return static_cast<std::size_t>(counter); }
  void wake_satisfied();

  Parking& parking_;
  std::array<std::atomic<std::int64_t>, 4> values_{};
  std::atomic<bool> anybody_waits_{false};
  std::mutex mutex_;
  std::vector<Waiter> waiters_;
};

}  // namespace fake_twilio
