#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

inline constexpr int kUuidTextLength = 36;  // bytes, without the final 0

// Returns the text form, in the current memory context.
const char* uuid_text(const pg_uuid_t& id);

// Returns a new UUID of version 7 (RFC 9562, section 5.7). It has 48 bits of Unix milliseconds, 12
// bits of the microseconds within the millisecond (section 6.2, method 3), and 62 random bits.
// Raises an error where no random bytes can be had.
pg_uuid_t new_uuidv7(TimestampTz time);
// Returns the lower bound of all ids of that millisecond. With it, the rows made since a time are a
// range of a primary key.
pg_uuid_t first_uuidv7(TimestampTz time);
// Returns the time of an id of version 7, to the millisecond; DT_NOBEGIN for another version.
TimestampTz time_of_uuidv7(const pg_uuid_t& id);

}  // namespace coach_sms
