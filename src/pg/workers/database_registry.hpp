#pragma once

// The launcher's own table: the databases that senders may run in, and how far it is with each.

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
  int failures;  // short lives in a row
  bool has_extension;
  bool poked;  // since it was started
  bool listed;
};

// For loops; adding may move them, removing puts the last one into the gap.
extern Entry* entries;
extern int entry_count;

void start_registry();
Entry* find_entry(Oid database);
void remove_entry(Entry* entry);

// Reads pg_database: new entries for what is new, `listed` for what may have a sender now.
void read_databases();

}  // namespace coach_sms
