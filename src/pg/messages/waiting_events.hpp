#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The events that wait. Those of a known message wait for its lock. Those of an unknown one wait
// for the record of their SID, which applies them itself (apply_events_of()); for those that it
// missed, ten minutes are enough.
inline constexpr char kWaitsForLock[] = R"sql(
    processed_at IS NULL AND received_at > now() - interval '1 day'
    AND message_id IS NOT NULL)sql";
inline constexpr char kWaitsForSid[] = R"sql(
    processed_at IS NULL AND received_at > now() - interval '10 minutes'
    AND message_id IS NULL)sql";

// Apply waiting events; return the number applied. apply_events_of() takes callbacks that came
// before the record of these SIDs. It leaves an event whose code suppresses a number to
// apply_waiting_events(), since that may wait for locks.
uint64 apply_events_of(const char* const* sids, int count);
uint64 apply_waiting_events();

}  // namespace coach_sms
