#pragma once

#include <chrono>

namespace coach_sms {

struct RetryPolicy {
  std::chrono::milliseconds base{60'000};    // before the second attempt
  std::chrono::milliseconds cap{3'600'000};  // the longest wait of our own choosing
};

// How long to wait after attempt number `attempt` (from 1) failed: base, doubled with each attempt,
// give or take 20 % so that messages that failed together do not come back together, and never
// above the cap. retry_after, what Twilio asked for, is a floor, even above the cap. random_01 is
// a random number from 0 to 1, drawn by the caller.
std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int attempt,
                                      std::chrono::milliseconds retry_after,
                                      double random_01) noexcept;

}  // namespace coach_sms
