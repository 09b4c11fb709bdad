#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Finding out about `unknown` messages. An empty list is no proof by itself: absence is believed
// after two listings, the last of them begun more than coach_sms.reconcile_limit after the lease
// ended. The core decides (core/twilio/list_match.hpp); reconcile_step.cpp carries it out, and
// list_search_step.cpp starts the listings.

// Whether a message that nobody could ask about since then is given up (coach_sms.max_wait).
// DT_NOEND: it was asked about.
bool is_unasked_too_long(TimestampTz not_asked_since);
// unknown → failed, outcome_unknown, where nobody could be asked for so long. Needs SPI.
void end_unasked(const pg_uuid_t& id, int64 fence, const char* why);

}  // namespace coach_sms
