#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Installs the hooks for DROP and CREATE DATABASE, DROP EXTENSION, and prepared transactions. Call
// it only when the library is preloaded.
void install_hooks();

// Holds the database without a sender until `until`, and ends a running sender: for DROP, RENAME,
// or use as a template. Returns true if no sender is left after 4 s at most. Raises an error when
// cancelled.
bool detach_sender_from(Oid database, TimestampTz until);

}  // namespace coach_sms
