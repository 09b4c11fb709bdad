#pragma once

#include "pg/claims.hpp"
#include "pg/last_check.hpp"

namespace coach_sms {

// max_sms_per_client_per_day: at most so many messages handed to Twilio for one client (or one
// number, where the message names no client) in any 24 hours. What is in flight or unknown counts,
// and an attempt counts until 24 hours after it was settled.

// Puts back what would be too much, among those of the claimed that may go: until the client's
// limit has room again. Needs SPI.
void check_client_limits(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked);

// How many messages of the client (nullptr: of the number) count in the 24 hours that end at
// `due_at`: those handed over, and those that wait and fall due then. Needs SPI.
int64 count_for_client(const pg_uuid_t& org_id, const pg_uuid_t* client_id, const char* to_phone,
                       bool sandbox, TimestampTz due_at);

}  // namespace coach_sms
