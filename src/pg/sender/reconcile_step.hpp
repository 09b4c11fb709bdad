#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Finding out about `unknown` messages (design.md section 3). An empty list is no proof by itself:
// absence is believed after two listings, the last of them begun more than
// coach_sms.reconcile_limit after the lease ended. The core decides (core/twilio/list_match.hpp);
// here it is carried out. All need SPI.

// sending → unknown for claims that no sender answers for any more.
void expire_lost_leases(Sender* sender);

// Starts listings for the unknown messages whose time it is (list_search_step.cpp).
void start_searches(Sender* sender);

// Whether a message that nobody could ask about since then is given up (coach_sms.max_wait).
// DT_NOEND: it was asked about.
bool is_unasked_too_long(TimestampTz not_asked_since);
// unknown → failed, outcome_unknown, where nobody could be asked for so long.
void end_unasked(const pg_uuid_t& id, int64 fence, const char* why);

// Counts what housekeeping still has to do; has_unsettled() is as of the last count, or of a
// message noted since to be unknown.
void count_unsettled();
void note_unsettled();
bool has_unsettled();
bool has_unknown();
bool events_wait();

}  // namespace coach_sms
