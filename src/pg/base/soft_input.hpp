#pragma once

// Input without errors: each function returns false where the text is no such value. PostgreSQL has
// input functions that do not raise from 16 on.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Parses a uuid in PostgreSQL's grammar (manual, section 8.12).
bool parse_uuid(const char* text, pg_uuid_t* value);

// Parses a timestamptz in PostgreSQL's grammar. A time without a zone is in the session's zone.
bool parse_timestamptz(const char* text, TimestampTz* value);

// Parses a whole number as jsonb prints it.
bool parse_smallint(const char* text, int16* value);

}  // namespace coach_sms
