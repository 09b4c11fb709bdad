#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Logs "a call to the webhook was <fate>: <message>", at most once a minute in a session: a
// stranger could fill the log. Texts are in the database's encoding; an empty hint is none.
void log_call(const char* fate, const char* message, const char* hint);

}  // namespace coach_sms
