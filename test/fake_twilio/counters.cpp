#include "counters.hpp"

#include <algorithm>

#include "parking.hpp"

namespace fake_twilio {

void Counters::add(Counter counter, std::int64_t amount) {
  values_[index(counter)].fetch_add(amount);
  if (anybody_waits_.load()) wake_satisfied();
}

bool Counters::reached(const Goals& goals) const {
  for (std::size_t i = 0; i < goals.size(); ++i) {
    if (goals[i] && values_[i].load() < *goals[i]) return false;
  }
  return true;
}

void Counters::wake_when(const Goals& goals, std::uint64_t ticket) {
  {
    const std::lock_guard lock(mutex_);
    waiters_.push_back({goals, ticket});
    anybody_waits_ = true;
  }
  // Looked at after announcing the waiter: a count added in between has either been seen here
  // or has seen the waiter.
  wake_satisfied();
}

void Counters::wake_satisfied() {
  const std::lock_guard lock(mutex_);
  const auto satisfied = [this](const Waiter& waiter) {
    if (!reached(waiter.goals)) return !parking_.holds(waiter.ticket);  // its deadline passed
    parking_.release(waiter.ticket);
    return true;
  };
  waiters_.erase(std::remove_if(waiters_.begin(), waiters_.end(), satisfied), waiters_.end());
  anybody_waits_ = !waiters_.empty();
}

void Counters::forget_all() {
  for (const Counter counter : {Counter::kRequests, Counter::kAccepted, Counter::kCallbacks}) {
    values_[index(counter)] = 0;
  }
}

}  // namespace fake_twilio
