#pragma once

// What a sender keeps between its turns, and the way across the boundary: rows as plain data on the
// PostgreSQL side, tasks as C++ objects in Dispatch. Included with the core headers first.

#include "core/limits/send_limits.hpp"
#include "core/sending/dispatch.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/arming/arming.hpp"
#include "pg/messages/claims.hpp"
#include "pg/messages/transitions.hpp"
#include "pg/sender/last_check.hpp"
#include "pg/workers/worker.hpp"

namespace coach_sms {

struct FinishedRow;

// A message that Twilio refused for its recipient's sake.
struct Refusal {
  pg_uuid_t message_id;
  char code[12];
};
inline constexpr int kMostRefusals = 64;

// How often in a row a step failed, by its name.
struct StepFailures {
  const char* name;
  int in_a_row;
};
inline constexpr int kMostSteps = 16;

struct Sender {
  WorkerContext* context;
  Dispatch* dispatch;
  SendLimits* limits;
  MemoryContext turn;   // reset each turn
  MemoryContext batch;  // what is claimed and not yet checked
  Mode mode;
  Claimed* claimed;  // in `batch`
  int claimed_count;
  FinishedRow* recorded;  // what the step just committed has seen; in `turn`
  int recorded_count;
  WaitEventSet* events;
  bool first_sweep_done;
  bool sweep_wanted;
  bool claimed_since_sweep;
  bool something_due_at_sweep;
  TimestampTz swept_at;
  TimestampTz kept_house_at;
  pg_uuid_t promoted_to;  // where the walk that promotes has come to
  TimestampTz promote_again_at;
  TimestampTz bookings_looked_at;
  TimestampTz skip_bookings_until;  // reading them ended a sender: the last check does not
  bool more_bookings;               // the latest pass left some for the next one
  TimestampTz asked_at;             // when it was last looked which messages to ask Twilio about
  bool more_status_polls;           // and it was not looked to the end
  pg_uuid_t pruned_behind;          // the org whose old messages are pruned next
  TimestampTz prune_again_at;
  bool more_to_expire;
  TimestampTz searches_again_at;  // when more listings start; DT_NOEND: at the next housekeeping
  bool settings_changed;          // settings changed: what could not be asked may be asked now
  TimestampTz finished_since;     // when the oldest result that waits for its record came; 0: none
  int locked;                   // results at the end of the queue whose message somebody has locked
  TimestampTz locked_again_at;  // when these are tried again
  Refusal refusals[kMostRefusals];  // recorded, and still to be heeded
  int refusal_count;
  int failures;         // steps that failed in a row
  int check_failures;   // how often in a row the last check has failed
  int record_failures;  // the same of those that record; above 0 results go one by one
  int record_alone;     // and so many of them yet
  TimestampTz steps_again_at;
  StepFailures step_failures[kMostSteps];
  bool holds_are_ours;           // nothing of an earlier sender is left in sms_holds
  TimestampTz publish_again_at;  // after publishing holds failed
  TimestampTz woke_at;           // the latest turn's
};

DispatchOptions dispatch_options();

// A database in another encoding than UTF-8 gets what it can hold: an answer of Twilio's must not
// be able to make a record fail. Changes the text in its place.
char* storable(char* text);

// Claimed rows that passed the last check, into requests; the others as put_back/withdraw rows.
void start_requests(Sender* sender, const Claimed* claimed, int count, const Checked* checked);

// Copies up to `limit` results, oldest first, into the current memory context.
struct FinishedRow {
  Settled settled;
  Outcome outcome;
  bool started;
  bool sandbox;
  bool account_trouble;
  bool sender_trouble;
  bool server_trouble;
  int attempt;
};
int copy_finished(Sender* sender, int limit, FinishedRow** rows);

// Takes the recorded ones among the first `count` results out of Dispatch and tells the lanes what
// went back into the queue.
void forget_recorded(Sender* sender, const FinishedRow* rows, int count);

}  // namespace coach_sms
