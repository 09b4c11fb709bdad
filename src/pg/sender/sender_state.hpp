#pragma once

// The state that a sender keeps between its turns. Include the core headers first.

#include "core/limits/send_limits.hpp"
#include "core/sending/dispatch.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/arming/arming.hpp"
#include "pg/messages/claims.hpp"
#include "pg/messages/settlements.hpp"
#include "pg/workers/worker.hpp"

namespace coach_sms {

// How many times in a row a step failed, by its name.
struct StepFailures {
  const char* name;
  int in_a_row;
};
inline constexpr int kMostSteps = 16;  // names of steps; more of them share the last place

// The state of one duty alone is in that duty's file.
struct Sender {
  WorkerContext* context;
  Lanes* lanes;
  Holds* holds;
  Dispatch* dispatch;
  SendLimits* limits;
  MemoryContext turn;   // reset each turn
  MemoryContext batch;  // claims that are not checked yet; reset before each claim
  WaitEventSet* events;
  Mode mode;
  Claimed* claimed;  // in `batch`
  int claimed_count;
  bool claimed_since_sweep;
  bool sweep_wanted;
  bool settings_changed;  // postponed list searches are due now
  int failures;           // steps that failed in a row
  TimestampTz steps_again_at;
  StepFailures step_failures[kMostSteps];
  TimestampTz woke_at;  // the latest turn's
};

}  // namespace coach_sms
