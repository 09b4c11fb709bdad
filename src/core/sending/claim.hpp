#pragma once

#include <cstdint>
#include <type_traits>

#include "core/base/moments.hpp"
#include "core/base/uuid.hpp"

namespace coach_sms {

// The sender's claim of a message: the part that all shapes of a message share, from the claim
// through the request to the record of its result. It has no destructor, so both sides of the
// boundary hold it. It is copied whole. Times are moments (moments.hpp).
struct Claim {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;  // every later write must show it
  int attempt = 0;         // the number of this request of the message, from 1
  int failures = 0;        // attempts used up
  int priority = 0;
  std::int64_t due_at = 0;  // its place in the lane, if it goes back
  std::int64_t claimed_at = 0;
  std::int64_t lease_until = 0;
  std::int64_t expires_at = kNever;
  bool sandbox = false;
};
static_assert(std::is_trivially_destructible_v<Claim>);

}  // namespace coach_sms
