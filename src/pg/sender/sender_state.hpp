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

// How often in a row a step failed, by its name.
struct StepFailures {
  const char* name;
  int in_a_row;
};
inline constexpr int kMostSteps = 16;

// Whatever one duty alone needs stands in that duty's file.
struct Sender {
  WorkerContext* context;
  Lanes* lanes;
  Holds* holds;
  Dispatch* dispatch;
  SendLimits* limits;
  MemoryContext turn;   // reset each turn
  MemoryContext batch;  // what is claimed and not yet checked
  WaitEventSet* events;
  Mode mode;
  Claimed* claimed;  // in `batch`
  int claimed_count;
  bool claimed_since_sweep;
  bool sweep_wanted;
  bool settings_changed;  // what could not be asked of Twilio may be asked now
  int failures;           // steps that failed in a row
  TimestampTz steps_again_at;
  StepFailures step_failures[kMostSteps];
  TimestampTz woke_at;  // the latest turn's
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
