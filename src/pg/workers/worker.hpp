#pragma once

// The frame of a sender process: how it starts, how it runs a step, and when it ends.
//
// A *step* is one short transaction. It runs as coach_sms_owner, never as the superuser as which
// the process connected. It first checks that the extension is still there, is still the same one,
// and has this library's version. An error ends the step, not the process.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The state of the extension when the latest step began.
enum class ExtensionStatus {
  kUsable,
  kGone,          // not in this database, or no longer: the sender ends
  kReplaced,      // dropped and created again: the sender ends, and the next one begins anew
  kBusy,          // locked by a transaction that drops or alters it: try again after a delay
  kOtherVersion,  // not of this library's version: wait for ALTER EXTENSION UPDATE
};

struct WorkerContext {
  Oid database;
  char database_name[NAMEDATALEN];
  Oid owner;  // coach_sms_owner
  Oid extension;
  char extension_version[64];
  Oid schema;
  char schema_name[NAMEDATALEN];
  ExtensionStatus extension_status;
  int last_error;  // SQLSTATE of the latest step that raised an error
};

// Returns the version that this library was built as.
const char* library_version();

// Returns this process's context: plain data that each step refreshes.
WorkerContext* worker_context();

// Runs `work(state)` as a step, inside SPI with a snapshot, and commits. Returns false if it did
// not commit. Either the extension was not kUsable, and nothing was run or logged. Or an error was
// raised: it is logged and kept as last_error, and extension_status is kUsable unless the error
// came before that check. The caller decides what to do next and how long to back off. Nothing with
// a destructor may be alive in `work` when PostgreSQL raises an error. pg_stat_activity shows
// `name`. Results go to the memory context of the caller.
bool run_step(const char* name, void (*work)(void*), void* state);

// Answers interrupts, for which PostgreSQL's DROP DATABASE waits. Reads the configuration again
// after SIGHUP, and returns whether it did. Call it in each round of the loop.
bool process_signals();

// Flushes statistics, and shows the process as idle in pg_stat_activity. Call it before a sleep.
void before_sleep(const char* activity, TimestampTz wake_at);

bool should_stop();

// Returns how many milliseconds requests in flight get once should_stop() is true. That is the
// request timeout, but at most 3 s where the database is held for DROP, RENAME or TEMPLATE.
int shutdown_grace_ms();

// Returns the delay in milliseconds after the n-th failure in a row, n from 1: 1 s, doubling to a
// minute.
int backoff_after(int failures);

}  // namespace coach_sms
