#pragma once

// How the shared memory behind shared_state.hpp is laid out and locked: for shared_state.cpp
// (what every backend does) and slot_owner.cpp (what the sender and the launcher do) only.

#include "pg/shared/latency.hpp"
#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

inline constexpr int kNoProc = -1;

struct Slot {
  SenderInfo info;  // counters and latencies in it stay 0: they are filled in when it is copied
  int proc_number;
  ConditionVariable ended;
  LatencyHistogram latency;
  pg_atomic_uint64 counters[kCounters];
  pg_atomic_uint32 recalls[kRecallCounters];
  char last_activity[64];  // of the sender before
  int64 unsent_fence;      // see report_unsent()
  bool overflow;
  bool settings_changed;
  int arrival_count;
  Arrival arrivals[kMaxArrivals];
};

struct SharedState {
  // Guarded by the table lock; read without it to find a slot, which is then checked again.
  Oid databases[kMaxDatabases];
  pid_t launcher_pid;
  int launcher_proc_number;
  int poke_count;
  bool poke_overflow;
  Oid pokes[kMaxPokes];
  bool was_attached;  // by a launcher, since the memory was made
  int prepared_count;
  TimestampTz prepared_unknown_until;  // of transactions prepared until then nothing is known; 0
  PreparedNotes prepared[kMaxPrepared];
  Slot slots[kMaxDatabases];
};

extern SharedState* shared;  // NULL when the library was not preloaded

LWLock* table_lock();
LWLock* slot_lock(int slot);

int find_slot(Oid database);
// Locks the database's slot; NULL, and nothing locked, if it has none.
Slot* lock_slot(Oid database, LWLockMode mode, int* number);
// The database's slot, or a new one; -1 if all are taken. The caller holds the table lock.
int find_or_allocate_slot(Oid database);
void set_last_error(Slot* slot, const char* text);
void wake_launcher();

}  // namespace coach_sms
