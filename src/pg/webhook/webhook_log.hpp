#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Logs "a call to the webhook was <fate>: <message>", at most once a minute and session, so that a
// stranger cannot fill the log. Texts are in the database's encoding. An empty hint is left out.
void log_call(const char* fate, const char* message, const char* hint);

}  // namespace coach_sms
