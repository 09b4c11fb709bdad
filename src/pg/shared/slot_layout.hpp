#pragma once

// The layout and the locks of the shared memory behind shared_state.hpp. Only shared_state.cpp (for
// every backend) and slot_owner.cpp (for the sender and the launcher) include it.

#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

inline constexpr int kNoProc = -1;

struct Slot {
  SenderInfo info;  // its counters stay 0: copy_info() fills them in the copy
  int proc_number;
  ConditionVariable ended;
  LatencyHistogram latencies[kLatencies];
  pg_atomic_uint64 counters[kCounters];
  CommitCounts<pg_atomic_uint64> counts;
  TimestampTz counting_since;  // when counters, counts and histograms began
  pg_atomic_uint32 recalls[kRecallCounters];
  char last_activity[64];  // of the earlier sender, when it ended
  int64 unsent_fence;      // see report_unsent()
  bool overflow;
  bool settings_changed;
  int arrival_count;
  Arrival arrivals[kMaxArrivals];
};

struct SharedState {
  // The table lock guards these. find_slot() reads them without it, and lock_slot() checks again.
  Oid databases[kMaxDatabases];
  pid_t launcher_pid;
  int launcher_proc_number;
  int poke_count;
  bool poke_overflow;
  Oid pokes[kMaxPokes];
  bool was_attached;  // a launcher has attached since the memory was made
  int prepared_count;
  TimestampTz prepared_unknown_until;  // until then, prepared transactions are unknown; 0: none
  PreparedNotes prepared[kMaxPrepared];
  Slot slots[kMaxDatabases];
};

extern SharedState* shared;  // NULL when the library was not preloaded

LWLock* table_lock();
LWLock* slot_lock(int slot);

int find_slot(Oid database);
// Locks the database's slot and gives its number. Returns nullptr, with nothing locked, if it has
// none.
Slot* lock_slot(Oid database, LWLockMode mode, int* number);
// Returns the number of the database's slot, or of a new one; -1 if all are taken. The caller holds
// the table lock.
int find_or_allocate_slot(Oid database);
void set_last_error(Slot* slot, const char* text);
void wake_launcher();

}  // namespace coach_sms
