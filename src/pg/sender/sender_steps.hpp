#pragma once

// Functions of one duty that the loop or another duty calls. A step is a short transaction, run by
// run_step() (`state` is a Sender).

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Runs a step, and backs off from all of them where it fails: nothing else runs until then, but for
// the rest of this turn.
bool step(Sender* sender, const char* name, void (*work)(void*));
// Runs a step and counts its failures in a row: a step that keeps failing shows as `step failed`.
bool watched_step(Sender* sender, const char* name, void (*work)(void*));
// Shows the state that the mode and the steps that keep failing make.
void show_state(const Sender& sender);

// Moves requests along, without waiting.
void drive(Sender* sender);

// --- recording (record_step.cpp) ----------------------------------------------------------------

void begin_recording();
void recording_clock_set_back(TimestampTz now);
// Results came in, or went.
void note_results(const Sender& sender);
TimestampTz next_record_at(const Sender& sender, TimestampTz now);
void record_step(void* sender);
// After a step that records was committed: what is settled leaves the sender's memory.
void forget_what_was_recorded(Sender* sender);
void recording_went_well(const Sender& sender);
// After a step that records has failed: from then on results are recorded one by one, so that a
// single bad one does not hold up the others.
void recording_failed(Sender* sender);
bool records_one_by_one();
// Answers that could not be recorded any more: their SIDs go to the log, the messages to unknown.
void log_unrecorded(Sender* sender);
// Takes those among the recorded results that refuse a recipient (refusals_step.cpp).
void note_refusals(const AttemptResult* rows, int count);

// --- claiming (claim_step.cpp, check_step.cpp) --------------------------------------------------

// Returns when a lane has something for which there is room.
TimestampTz next_claim_at(const Sender& sender, TimestampTz now);
// Claims what there is room for. Needs SPI.
void claim(Sender* sender);
// Claimed and not started, at the end: to be put back by the next record_step.
void give_back_claimed(Sender* sender);
// Whether reading them has just ended a sender: the check before sending must not
// (bookings_step.cpp).
bool bookings_are_unreadable();

// --- finding out (list_search_step.cpp, waiting_events_step.cpp) --------------------------------

// Starts listings for the unknown messages whose time it is. Needs SPI.
void start_searches(Sender* sender);
// After the step that started them was committed.
void searches_were_started(Sender* sender);
// Callbacks that wait are applied this turn.
void try_waiting_events_again();

}  // namespace coach_sms
