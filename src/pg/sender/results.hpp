#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// The way of results across the boundary: finished tasks in Dispatch, plain rows in PostgreSQL.

// Copies up to `limit` results, oldest first, into the current memory context. Returns how many.
int copy_results(Sender* sender, int limit, AttemptResult** results);

// Takes the recorded ones among the first `count` results out of Dispatch, and notes in the lanes
// the messages that went back into the queue.
void forget_recorded(Sender* sender, const AttemptResult* results, int count);

}  // namespace coach_sms
