#include "core/sending/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace coach_sms {

std::chrono::milliseconds retry_delay(const RetryPolicy& policy, int attempt,
                                      std::chrono::milliseconds retry_after,
                                      double random_01) noexcept {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  constexpr double kJitter = 0.2;
  constexpr int kMaxDoublings = 62;  // far above any cap, and no overflow

  const int doublings = std::clamp((attempt < 1 ? 1 : attempt) - 1, 0, kMaxDoublings);
  const Milliseconds doubled(std::ldexp(Milliseconds(policy.base).count(), doublings));
  // The jitter stays under the cap. If the cap cut it off, half of all late retries would wait
  // exactly the cap and come back together.
  const Milliseconds nominal = std::min(doubled, Milliseconds(policy.cap) / (1 + kJitter));
  const double spread = random_01 >= 0 && random_01 <= 1 ? random_01 : 0.5;
  const Milliseconds jittered = nominal * (1 - kJitter + 2 * kJitter * spread);
  return std::max({std::chrono::round<std::chrono::milliseconds>(jittered), retry_after,
                   std::chrono::milliseconds(0)});
}

}  // namespace coach_sms
