#include "gateway/office/attempts.hpp"

#include <algorithm>

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr int kFirstWait = 5;      // the failure after which an address waits
constexpr int kMostDoublings = 9;  // 512 s
constexpr auto kForgotten = 1h;    // after the last wait
constexpr std::size_t kMostAddresses = 10'000;

}  // namespace

bool Attempts::begin(const std::string& address, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMostAddresses)
    std::erase_if(failures_, [&](const auto& each) { return each.second.again_at < now; });
  // With so many addresses at once, all wait.
  if (failures_.size() >= kMostAddresses && !failures_.contains(address)) return false;
  Failures& failures = failures_[address];
  if (now < failures.again_at) return false;
  if (failures.count > 0 && now > failures.again_at + kForgotten) failures.count = 0;
  ++failures.count;
  failures.tried_at = failures.again_at = now;
  if (failures.count >= kFirstWait)
    failures.again_at += 1s * (1 << std::min(failures.count - kFirstWait, kMostDoublings));
  return true;
}

void Attempts::succeeded(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(address);
  if (found == failures_.end()) return;
  if (--found->second.count <= 0)
    failures_.erase(found);
  else
    found->second.again_at = found->second.tried_at;
}

}  // namespace coach_sms
