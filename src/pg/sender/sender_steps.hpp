#pragma once

// Functions of one duty that the loop or another duty calls. run_step() runs a step, a short
// transaction, with a Sender as `state`.

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Runs a step. After a failure no duty runs until a delay has passed, except the rest of this turn.
// Returns whether the step committed.
bool step(Sender* sender, const char* name, void (*work)(void*));
// Runs a step, and counts its failures in a row: a step that keeps failing shows as `step failed`.
// Returns whether it committed.
bool watched_step(Sender* sender, const char* name, void (*work)(void*));
// Shows the state in sms_worker_stat, by the mode and by the steps that keep failing.
void show_state(const Sender& sender);

// Hands requests and results over between this thread and the one for HTTP, without waiting.
void drive(Sender* sender);

// --- recording (record_step.cpp) ----------------------------------------------------------------

void begin_recording();
void recording_clock_set_back(TimestampTz now);
// Notes that results came in, or were removed.
void note_results(const Sender& sender);
TimestampTz next_record_at(const Sender& sender, TimestampTz now);
void record_step(void* sender);
// Removes settled results from the sender's memory. Call it after the step that recorded them has
// committed.
void forget_what_was_recorded(Sender* sender);
void recording_went_well(const Sender& sender);
// Notes that a step that records has failed. From then on results are recorded one by one, so that
// a bad one does not block the others.
void recording_failed(Sender* sender);
bool records_one_by_one();
// Logs the SIDs of results that can no longer be recorded. Their messages become unknown.
void log_unrecorded(Sender* sender);
// Notes the results that reject a message, for the duty `refusals` (refusals_step.cpp).
void note_refusals(const AttemptResult* rows, int count);

// --- claiming (claim_step.cpp, check_step.cpp) --------------------------------------------------

// Returns when a lane has a due message and there is room for it.
TimestampTz next_claim_at(const Sender& sender, TimestampTz now);
// Claims as many messages as there is room for. Needs SPI.
void claim(Sender* sender);
// Gives back all claims that were not started, for the next record_step().
void give_back_claimed(Sender* sender);
// Returns whether reading bookings has just ended a sender: the pre-send check must not read them
// then (bookings_step.cpp).
bool bookings_are_unreadable();

// --- finding out (list_search_step.cpp, waiting_events_step.cpp) --------------------------------

// Starts the list searches that are due. Needs SPI.
void start_searches(Sender* sender);
// Notes that the step with start_searches() has committed.
void searches_were_started(Sender* sender);
// Lets the duty `waiting events` run in this turn, if callbacks wait.
void try_waiting_events_again();

}  // namespace coach_sms
