#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Reconciles unknown messages. One listing without the message proves nothing. Its absence counts
// after two such listings, if the last began more than coach_sms.reconcile_limit after the lease
// ended. The core decides (core/twilio/list_match.hpp), reconcile_step.cpp carries it out, and
// list_search_step.cpp starts the searches.

// Returns whether searches were postponed since then for longer than coach_sms.max_wait. DT_NOEND:
// they were not.
bool is_unasked_too_long(TimestampTz not_asked_since);
// Records unknown → failed with outcome_unknown, for a search that was postponed for too long.
// Needs SPI.
void end_unasked(const pg_uuid_t& id, int64 fence, const char* why);

}  // namespace coach_sms
