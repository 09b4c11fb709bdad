#pragma once

// PostgreSQL's own grammar for uuid, timestamptz and smallint, without its errors: false where the
// text is not one. (15 and older have no input functions that do not raise.)

#include "pg/base/pg_api.hpp"

namespace coach_sms {

bool parse_uuid(const char* text, pg_uuid_t* value);

// A time without a zone is read in the session's.
bool parse_timestamptz(const char* text, TimestampTz* value);

// A whole number as jsonb writes it.
bool parse_smallint(const char* text, int16* value);

}  // namespace coach_sms
