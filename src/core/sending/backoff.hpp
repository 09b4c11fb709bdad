#pragma once

#include <chrono>

namespace coach_sms {

struct RetryPolicy {
  std::chrono::milliseconds base{60'000};    // before the second attempt
  std::chrono::milliseconds cap{3'600'000};  // the longest wait of our own choosing
};

// Returns how long to wait after attempt number `attempt` (from 1) failed. The wait is base,
// doubled with each attempt, give or take 20 %, and never above the cap. The random part keeps
// messages that failed together from coming back together. retry_after is Twilio's own wait and the
// shortest one, even above the cap. random_01 is a random number from 0 to 1 that the caller draws.
std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int attempt,
                                      std::chrono::milliseconds retry_after,
                                      double random_01) noexcept;

}  // namespace coach_sms
