#pragma once

// The frame of a sender process: how it starts, how it runs a step, and when it ends.
//
// A *step* is one short transaction. It runs as coach_sms_owner, never as the superuser the
// process connected as, and begins by asking whether the extension is still there, still the same
// one, and of this library's version. An error ends the step, not the process.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// How the extension stood when the latest step began.
enum class ExtensionStatus {
  kUsable,
  kGone,          // not in this database (any more): the sender ends
  kReplaced,      // dropped and created again: the sender ends, the next one starts afresh
  kBusy,          // locked by a transaction that drops or alters it: try again in a moment
  kOtherVersion,  // of another version than this library: wait for ALTER EXTENSION UPDATE
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
  int last_error;  // SQLSTATE of the latest step that raised
};

// The version this library was built as.
const char* library_version();

// Of this process; plain data, refreshed by each step.
WorkerContext* worker_context();

// Runs `work(state)` as a step, inside SPI with a snapshot, and commits. False if it did not
// commit: either the extension stands otherwise than kUsable (nothing was run or logged), or an
// error was raised (logged, kept as last_error, extension_status kUsable); what to do next and how
// long to back off is the caller's. Nothing with a destructor may be alive in `work` when
// PostgreSQL raises. `name` is seen in pg_stat_activity. Results go to the memory context the
// caller was in.
bool run_step(const char* name, void (*work)(void*), void* state);

// To be called whenever the loop comes round: answers interrupts (PostgreSQL's DROP DATABASE
// waits for that), and reads the configuration again after SIGHUP (true if it did).
bool process_signals();

// Flushes statistics and shows the process as idle: call it before a sleep.
void before_sleep(const char* activity, TimestampTz wake_at);

bool should_stop();

// How long what is in flight may take once should_stop(): the request timeout, but only three
// seconds where somebody wants the database (DROP, RENAME, TEMPLATE).
int shutdown_grace_ms();

// 1 s, doubling to a minute: after the n-th failure in a row (from 1).
int backoff_after(int failures);

}  // namespace coach_sms
