#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// The way of results across the C++ boundary: finished tasks in Dispatch, plain rows in PostgreSQL.

// Copies up to `limit` results, oldest first, into the current memory context. Returns their
// number.
int copy_results(Sender* sender, int limit, AttemptResult** results);

// Removes the recorded results among the first `count` from Dispatch, and puts the others last.
// Notes in the lanes the messages that went back into the queue.
void forget_recorded(Sender* sender, const AttemptResult* results, int count);

}  // namespace coach_sms
