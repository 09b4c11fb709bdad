#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// max_sms_per_client_per_day: the largest number of messages handed to Twilio for one client in any
// 24 hours. A message without a client counts for its number. Messages in flight or unknown count
// too. An attempt counts until 24 hours after it was settled.

// A condition on a row `a` of sms_attempts: Twilio took its request, or may have taken it.
inline constexpr char kAttemptCounts[] = R"sql(
    (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL))sql";

// Returns the same for a row of sms_attempts.
bool attempt_counts(const Row& attempt);

// Returns the number of the client's messages that count in the 24 hours that end at `due_at`:
// those handed over, and those that wait and fall due then. `client_id` is nullptr for a number
// without a client. It stops counting at `limit`.
int count_for_client(const pg_uuid_t& org_id, const pg_uuid_t* client_id, text* phone, bool sandbox,
                     TimestampTz due_at, int limit);

}  // namespace coach_sms
