#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// max_sms_per_client_per_day: at most so many messages handed to Twilio for one client (or one
// number, where the message names no client) in any 24 hours. What is in flight or unknown counts,
// and an attempt counts until 24 hours after it was settled.

// Of a row `a` of sms_attempts: whether Twilio took its request, or may have taken it.
inline constexpr char kAttemptCounts[] = R"sql(
    (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL))sql";

// How many messages of the client (nullptr: of a number) count in the 24 hours that end at
// `due_at`: those handed over, and those that wait and fall due then. `keys` is a text[]: the
// client's id, or the number's keys (suppression_keys()). Needs SPI.
int64 count_for_client(const pg_uuid_t& org_id, const pg_uuid_t* client_id, Datum keys,
                       bool sandbox, TimestampTz due_at);

}  // namespace coach_sms
