#pragma once

#include "core/sending/lanes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace coach_sms::test {

inline constexpr std::int64_t kSecond = 1'000'000;
inline constexpr std::int64_t kNow = 1'000 * kSecond;

inline Uuid uuid(int number) {
  Uuid id;
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number & 255);
  return id;
}

inline LaneKey lane(int org, int priority = 0) {
  return {uuid(org), "", priority};
}

inline LanePosition at(std::int64_t due_at, int message = 1) {
  return {due_at, uuid(message)};
}

inline std::vector<int> orgs_of(const std::vector<ClaimOrder>& orders) {
  std::vector<int> orgs;
  orgs.reserve(orders.size());
  for (const ClaimOrder& order : orders)
    orgs.push_back(order.lane.org.bytes[14] << 8 | order.lane.org.bytes[15]);
  return orgs;
}

// The one order there is.
inline ClaimOrder order_of(Lanes& lanes, std::int64_t now = kNow, int want = 10) {
  const std::vector<ClaimOrder> orders = lanes.next_claims(now, want);
  EXPECT_EQ(orders.size(), 1U);
  return orders.empty() ? ClaimOrder{} : orders.front();
}

inline void found_all_it_asked_for(Lanes& lanes, const ClaimOrder& order) {
  lanes.claimed(order, order.limit, at(kNow), kNever, kNow);
}

inline void found_nothing(Lanes& lanes, const ClaimOrder& order, std::int64_t now = kNow) {
  lanes.claimed(order, 0, {}, kNever, now);
}

}  // namespace coach_sms::test
