#pragma once

#include "core/limits/send_limits.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lanes_fixture.hpp"

namespace coach_sms::test {

inline constexpr std::int64_t kHour = 3'600 * kSecond;
inline constexpr std::int64_t kDay = 24 * kHour;
// 20:30 of a day in UTC, which is the zone of every org here but where a test says otherwise.
inline constexpr std::int64_t kEvening = 20'000 * kDay + 20 * kHour + kHour / 2;
inline constexpr QuietHours kNights{21, 9};

// Lanes and limits as a sender drives them, with the tables played by the test.
struct SendLimitsTest : testing::Test {
  Lanes lanes;
  SendLimits limits;
  Holds holds{[] { return kEvening; }};

  static OrgRules rules() {
    OrgRules rules;
    rules.version = "1";
    rules.zone = "UTC";
    rules.month_starts_at = kEvening - 10 * kDay;
    rules.month_ends_at = kEvening + 10 * kDay;
    rules.sender = "AC1|+15005550006";
    return rules;
  }
  static OrgRules hourly(int limit) {
    OrgRules limited = rules();
    limited.max_per_hour = limit;
    return limited;
  }
  static OrgRules monthly(std::int64_t segments) {
    OrgRules limited = rules();
    limited.budget = segments;
    return limited;
  }
  static OrgRules paced(double per_second) {
    OrgRules limited = rules();
    limited.segments_per_second = per_second;
    return limited;
  }
  static OrgRules quiet(QuietHours hours = kNights) {
    OrgRules limited = rules();
    limited.quiet = hours;
    return limited;
  }

  // The org's rules, an empty past, and something to claim.
  void org(int number, OrgRules limited) {
    know(number, std::move(limited));
    lanes.note(lane(number), kAlways);
  }
  void know(int number, OrgRules limited) {
    const bool has_past = limited.max_per_hour || limited.budget;
    limits.set_rules(uuid(number), std::move(limited));
    limits.set_zone("UTC", {{0, 0}}, 0, kEvening + 100 * kDay);
    if (has_past) {
      limits.begin_past(uuid(number));
      limits.end_past(uuid(number));
    }
  }

  std::vector<ClaimOrder> plan(std::int64_t now, int want = 10) {
    std::vector<ClaimOrder> orders = lanes.next_claims(now, want);
    limits.plan(orders);
    return orders;
  }
  std::vector<ClaimOrder> admit(std::int64_t now, int want = 10) {
    plan(now, want);
    return limits.admit(&lanes, &holds, now);
  }
  // How many the only org may claim.
  int room(std::int64_t now, int want = 10) {
    const std::vector<ClaimOrder> orders = admit(now, want);
    return orders.empty() ? 0 : orders.front().limit;
  }
  void start(int org, int message, std::int64_t now, int segments = 1) {
    limits.started(uuid(org), uuid(message), segments, now);
  }
};

}  // namespace coach_sms::test
