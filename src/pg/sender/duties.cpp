#include "pg/sender/duties.hpp"

#include <algorithm>

namespace coach_sms {

namespace {

// All duties, in the order in which they run: sending goes before everything that can wait.
constexpr const Duty* kDuties[] = {
    &kSweepDuty,      &kRecordAndClaimDuty, &kCheckDuty,         &kRefusalsDuty, &kReconcileDuty,
    &kListSearchDuty, &kHousekeepingDuty,   &kWaitingEventsDuty, &kBookingsDuty, &kRetentionDuty,
    &kUsageDuty,      &kStatusPollDuty,     &kHoldsDuty,
};

}  // namespace

int64 pause_after(TimestampTz began_at, int parts, int64 longest) {
  return std::min(longest, (parts - 1) * (GetCurrentTimestamp() - began_at));
}

void begin_duties() {
  for (const Duty* duty : kDuties)
    if (duty->begin != nullptr) duty->begin();
}

TimestampTz next_duty_at(const Sender& sender, TimestampTz now) {
  TimestampTz at = DT_NOEND;
  for (const Duty* duty : kDuties)
    at = std::min(at, duty->next_at(sender, now));
  return at;
}

void run_duties(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  for (const Duty* duty : kDuties)
    if (duty->next_at(*sender, now) <= now && !duty->run(sender)) return;
}

void duties_clock_set_back(Sender* sender, TimestampTz now) {
  for (const Duty* duty : kDuties)
    if (duty->clock_set_back != nullptr) duty->clock_set_back(sender, now);
}

}  // namespace coach_sms
