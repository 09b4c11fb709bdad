#pragma once

// The launcher's own table: the databases that senders may run in, and the state of each.

#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

enum class EntryState { kUnknown, kStarted, kWaiting, kEmpty };

struct Entry {
  Oid database;
  NameData name;
  EntryState state;
  BackgroundWorkerHandle* handle;  // NULL: started by an earlier launcher
  TimestampTz started_at;
  TimestampTz start_after;
  int failures;  // runs in a row that ended within a minute
  bool has_extension;
  bool poked;  // since the sender was started
  bool listed;
};

// For loops. A new entry may move all of them; a removal moves the last one into the gap.
extern Entry* entries;
extern int entry_count;

// Makes the table, and enters the senders that run already.
void start_registry();
Entry* find_entry(Oid database);
void remove_entry(Entry* entry);

// Reads pg_database. Makes entries for new databases, and sets `listed` for those that may have a
// sender.
void read_databases();

}  // namespace coach_sms
