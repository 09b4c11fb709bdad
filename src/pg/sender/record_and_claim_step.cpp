#include "pg/sender/duties.hpp"

#include <algorithm>

#include "pg/sender/sender_steps.hpp"

// The duty that records results and then claims, with one commit for both.

namespace coach_sms {

namespace {

void record_and_claim(void* state) {
  auto* sender = static_cast<Sender*>(state);
  record_step(sender);
  if (!records_one_by_one()) claim(sender);
}

void begin() {
  begin_recording();
}

TimestampTz next_at(const Sender& sender, TimestampTz now) {
  return std::min(next_record_at(sender, now), next_claim_at(sender, now));
}

bool run(Sender* sender) {
  const bool had_claims = sender->claimed_count > 0;
  if (step(sender, kRecordAndClaimDuty.name, record_and_claim)) {
    forget_what_was_recorded(sender);
    recording_went_well(*sender);
    return true;
  }
  if (!had_claims) sender->claimed_count = 0;  // a step that failed claimed nothing
  recording_failed(sender);
  return false;
}

void clock_set_back(Sender*, TimestampTz now) {
  recording_clock_set_back(now);
}

}  // namespace

const Duty kRecordAndClaimDuty{"recording and claiming", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
