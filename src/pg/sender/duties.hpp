#pragma once

// What the sender does, one file a duty. A new duty is a file, its declaration here and its row in
// duties.cpp.

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// A duty keeps its state in its own file. Functions that it does not need are nullptr.
struct Duty {
  // What pg_stat_activity shows while its step runs.
  const char* name;
  // Sets its state to that of a sender that begins.
  void (*begin)();
  // Returns when it is to run: at once for any time up to `now`, DT_NOEND for not as things are.
  TimestampTz (*next_at)(const Sender& sender, TimestampTz now);
  // Runs it. Returns false where the duties after it wait for a later turn.
  bool (*run)(Sender* sender);
  // Plans anew: the clock was set back to `now`, and times planned before are too late.
  void (*clock_set_back)(Sender* sender, TimestampTz now);
};

extern const Duty kSweepDuty;
extern const Duty kRecordAndClaimDuty;
extern const Duty kCheckDuty;
extern const Duty kRefusalsDuty;
extern const Duty kReconcileDuty;
extern const Duty kListSearchDuty;
extern const Duty kHousekeepingDuty;
extern const Duty kWaitingEventsDuty;
extern const Duty kBookingsDuty;
extern const Duty kRetentionDuty;
extern const Duty kStatusPollDuty;
extern const Duty kHoldsDuty;

void begin_duties();
// Returns when the first of them is to run.
TimestampTz next_duty_at(const Sender& sender, TimestampTz now);
// Runs those whose time has come, in the table's order.
void run_duties(Sender* sender);
void duties_clock_set_back(Sender* sender, TimestampTz now);

}  // namespace coach_sms
