#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The text form, in the current memory context.
const char* uuid_text(const pg_uuid_t& id);

// A UUID of version 7 (RFC 9562, section 5.7): milliseconds, then a counter of 12 bits within the
// millisecond taken from the clock's microseconds, then 62 random bits.
pg_uuid_t new_uuidv7(TimestampTz time);
// The lowest that new_uuidv7() can make at that time: what happened since is a range of a primary
// key.
pg_uuid_t first_uuidv7(TimestampTz time);

}  // namespace coach_sms
