#pragma once

// The sender's steps: short transactions, run by run_step() (`state` is a Sender).

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Reads the mode and which lanes have something; the first one also settles what a sender before
// us left behind.
void sweep_step(void* sender);
// Writes down results, then claims what there is room for, in one commit.
void record_and_claim_step(void* sender);
void record_step(void* sender);
// The last look at what was claimed; puts back and withdraws what may not go.
void check_step(void* sender);
// Leases, promotions, deliveries in the sandbox, and the start of list searches.
void housekeeping_step(void* sender);
// More list searches, where an account had no room for all that were due.
void list_search_step(void* sender);
// Carries out what the first listing that came back showed: unknown → sent | queued | failed, or
// another search. One a step, so that none holds up the others.
void settle_search_step(void* sender);
// Recipients that Twilio refused for their own sake enter the list.
void refusals_step(void* sender);
// Callbacks that came too early or met a lock.
void events_step(void* sender);
// A pass over the bookings that have something due, or could not be told before. When the next one
// is: a minute later, or at once where this one left some.
void bookings_step(void* sender);
TimestampTz next_bookings(const Sender& sender, TimestampTz now);
// Deletes a batch of what is older than its org's retention_days.
void retention_step(void* sender);
// Writes down what Twilio answered about messages whose end it had not told, and asks about more.
// When there is something to do next. Forgets which ones were asked about, where the clock was set
// back.
void status_poll_step(void* sender);
TimestampTz next_status_polls(const Sender& sender, TimestampTz now);
void ask_all_again();

// Runs a step and counts its failures in a row: a step that keeps failing shows as `step failed`.
bool watched_step(Sender* sender, const char* name, void (*work)(void*));
// Shows the state that the mode and the steps that keep failing make.
void show_state(const Sender& sender);
// Whether sms_holds lacks anything that changed; writes it there.
bool holds_to_publish(const Sender& sender);
void publish_holds(Sender* sender);

// After a step that records was committed: what is settled leaves the sender's memory.
void forget_what_was_recorded(Sender* sender);
// After a step that records has failed. From then on results are recorded one by one, so that a
// single bad one does not hold up the others; one that fails again and again is let go, and found
// out about like an answer that never came.
void set_aside_unrecordable(Sender* sender);
// After check_step was committed: the requests start.
void start_checked(Sender* sender);
// Claimed and not started, at the end: to be put back by the next record_step.
void give_back_claimed(Sender* sender);
// The same where they cannot be judged, not due before that time and a second apart: one of them is
// bad, and the others must not be claimed together with it again.
void give_back_apart(Sender* sender, TimestampTz not_before);
// Answers that could not be recorded any more: their SIDs go to the log, the messages to unknown.
void log_unrecorded(Sender* sender);

}  // namespace coach_sms
