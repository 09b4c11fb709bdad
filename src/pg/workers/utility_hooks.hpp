#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Watches DROP and CREATE DATABASE, DROP EXTENSION and COMMIT PREPARED. Only when the library is
// preloaded.
void install_hooks();

// Keeps the database without a sender until `until` and ends the one it has: for DROP, RENAME, or
// use as a template. True if no sender is left after a few seconds; raises when cancelled.
bool detach_sender_from(Oid database, TimestampTz until);

}  // namespace coach_sms
