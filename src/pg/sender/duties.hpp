#pragma once

// The duties of the sender, one file each. A new duty is a file, its declaration here and its row
// in duties.cpp.

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// A duty keeps its state in its own file. `begin` and `clock_set_back` may be nullptr.
struct Duty {
  // The text that pg_stat_activity shows while the duty's step runs.
  const char* name;
  // Resets the duty's state for a sender that begins.
  void (*begin)();
  // Returns when to run the duty: any time up to `now` means at once, DT_NOEND means not before
  // something changes.
  TimestampTz (*next_at)(const Sender& sender, TimestampTz now);
  // Runs the duty. Returns false where the duties after it must wait for a later turn.
  bool (*run)(Sender* sender);
  // Plans again after the clock was set back to `now`: times that were planned before are too late.
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
extern const Duty kUsageDuty;
extern const Duty kStatusPollDuty;
extern const Duty kHoldsDuty;

// Returns the pause (microseconds) after a run that began at `began_at` and ends now, so that the
// runs take one of `parts` of the sender's time; `longest` at most. Many lanes, or dead rows under
// an old snapshot, make a look at the tables slow.
int64 pause_after(TimestampTz began_at, int parts, int64 longest);

void begin_duties();
// Returns when the first duty is to run.
TimestampTz next_duty_at(const Sender& sender, TimestampTz now);
// Runs the duties whose time has come, in the table's order.
void run_duties(Sender* sender);
void duties_clock_set_back(Sender* sender, TimestampTz now);

}  // namespace coach_sms
