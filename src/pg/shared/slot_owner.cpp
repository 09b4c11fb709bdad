#include "pg/shared/slot_layout.hpp"

#include <csignal>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

int own_slot = -1;
char earlier_activity[64];
int64 earlier_unsent;

Slot* lock_own_slot() {
  if (own_slot < 0) return nullptr;
  LWLockAcquire(slot_lock(own_slot), LW_EXCLUSIVE);
  return &shared->slots[own_slot];
}

// Clears the slot only while this process owns it: it may belong to a later sender by now.
void detach_sender(int, Datum generation) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  const bool mine =
      slot->info.pid == MyProcPid && slot->info.generation == DatumGetUInt32(generation);
  if (mine) {
    slot->info.pid = 0;
    slot->proc_number = kNoProc;
    slot->info.in_flight = 0;
    slot->info.next_wake_at = 0;
    strlcpy(slot->last_activity, slot->info.activity, sizeof slot->last_activity);
    slot->info.activity[0] = '\0';
    if (slot->info.state != WorkerState::kNoExtension) slot->info.state = WorkerState::kStopped;
  }
  LWLockRelease(slot_lock(own_slot));
  if (mine) ConditionVariableBroadcast(&slot->ended);
  own_slot = -1;
  wake_launcher();
}

void detach_launcher(int, Datum) {
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  if (shared->launcher_pid == MyProcPid) {
    shared->launcher_pid = 0;
    shared->launcher_proc_number = kNoProc;
  }
  LWLockRelease(table_lock());
}

}  // namespace

// --- the sender -------------------------------------------------------------------------------

bool earlier_sender_ended_while(const char* activity) {
  return strcmp(earlier_activity, activity) == 0;
}

void forget_earlier_sender() {
  earlier_activity[0] = '\0';
}

int64 earlier_senders_unsent() {
  return earlier_unsent;
}

bool attach_sender(Oid database, uint32 generation) {
  before_shmem_exit(detach_sender, UInt32GetDatum(generation));
  int number;
  Slot* slot = lock_slot(database, LW_EXCLUSIVE, &number);
  if (slot == nullptr) return false;
  const bool mine = slot->info.generation == generation && slot->info.pid == 0 &&
                    slot->info.hold_until <= GetCurrentTimestamp();
  if (mine) {
    own_slot = number;
    strlcpy(earlier_activity, slot->last_activity, sizeof earlier_activity);
    earlier_unsent = slot->unsent_fence;
    slot->info.pid = MyProcPid;
    slot->info.starts++;
    slot->proc_number = my_proc_number();
    slot->info.started_at = slot->info.heartbeat_at = GetCurrentTimestamp();
  }
  LWLockRelease(slot_lock(number));
  return mine;
}

void report_state(WorkerState state) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  const bool probed = slot->info.state == WorkerState::kProbing;
  slot->info.state = state;
  LWLockRelease(slot_lock(own_slot));
  if (probed) wake_launcher();  // the launcher probes one database at a time
}

void report_activity(const char* text) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  strlcpy(slot->info.activity, text, sizeof(slot->info.activity));
  LWLockRelease(slot_lock(own_slot));
}

void report_error(const char* text) {
  report_raised(text, 0);
}

void report_raised(const char* text, int sqlstate) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  set_last_error(slot, text);
  slot->info.last_sqlstate = sqlstate;
  LWLockRelease(slot_lock(own_slot));
}

void report_heartbeat(TimestampTz next_wake_at) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  slot->info.heartbeat_at = GetCurrentTimestamp();
  slot->info.next_wake_at = next_wake_at;
  LWLockRelease(slot_lock(own_slot));
}

void report_unsent(int64 fence) {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return;
  slot->unsent_fence = fence;
  LWLockRelease(slot_lock(own_slot));
}

void report_in_flight(int requests) {
  if (own_slot >= 0) shared->slots[own_slot].info.in_flight = requests;
}

void add_to_counter(Counter counter, uint64 increment) {
  if (own_slot < 0) return;
  pg_atomic_fetch_add_u64(&shared->slots[own_slot].counters[static_cast<int>(counter)],
                          static_cast<int64>(increment));
}

uint32 read_recalls(uint32 counter) {
  if (own_slot < 0) return 0;
  pg_memory_barrier();
  return pg_atomic_read_u32(&shared->slots[own_slot].recalls[counter]);
}

void count_latency(Latency latency, int64 microseconds) {
  if (own_slot < 0) return;
  shared->slots[own_slot].latencies[static_cast<int>(latency)].add(microseconds);
}

int take_arrivals(Arrival* out, bool* overflow, bool* settings_changed) {
  *overflow = *settings_changed = false;
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return 0;
  const int taken = slot->arrival_count;
  memcpy(out, slot->arrivals, sizeof(Arrival) * static_cast<size_t>(taken));
  *overflow = slot->overflow;
  *settings_changed = slot->settings_changed;
  slot->arrival_count = 0;
  slot->overflow = slot->settings_changed = false;
  LWLockRelease(slot_lock(own_slot));
  return taken;
}

bool arrivals_waiting() {
  Slot* slot = lock_own_slot();
  if (slot == nullptr) return false;
  const bool waiting = slot->arrival_count > 0 || slot->overflow;
  LWLockRelease(slot_lock(own_slot));
  return waiting;
}

// --- the launcher -----------------------------------------------------------------------------

void attach_launcher() {
  before_shmem_exit(detach_launcher, 0);
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  shared->launcher_pid = MyProcPid;
  // The launcher starts after recovery, which may have brought prepared transactions of the
  // primary.
  if (max_prepared_xacts > 0 && !shared->was_attached)
    shared->prepared_unknown_until = GetCurrentTimestamp();
  shared->was_attached = true;
  shared->launcher_proc_number = my_proc_number();
  LWLockRelease(table_lock());
}

int take_pokes(Oid* out, bool* everything) {
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  const int taken = shared->poke_count;
  memcpy(out, shared->pokes, sizeof(Oid) * static_cast<size_t>(taken));
  *everything = shared->poke_overflow;
  shared->poke_count = 0;
  shared->poke_overflow = false;
  LWLockRelease(table_lock());
  return taken;
}

bool prepare_sender(Oid database, WorkerState state, uint32* generation) {
  bool ready = false;
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  const int number = find_or_allocate_slot(database);
  if (number >= 0) {
    LWLockAcquire(slot_lock(number), LW_EXCLUSIVE);
    SenderInfo& info = shared->slots[number].info;
    ready = info.pid == 0;
    if (ready) {
      info.state = state;
      *generation = ++info.generation;
    }
    LWLockRelease(slot_lock(number));
  }
  LWLockRelease(table_lock());
  return ready;
}

void report_absent_sender(Oid database, WorkerState state, const char* error) {
  int number;
  Slot* slot = lock_slot(database, LW_EXCLUSIVE, &number);
  if (slot == nullptr) return;
  if (slot->info.pid == 0) {
    slot->info.state = state;
    if (error != nullptr) set_last_error(slot, error);
  }
  LWLockRelease(slot_lock(number));
}

void forget_sender(Oid database) {
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  int number;
  Slot* slot = lock_slot(database, LW_EXCLUSIVE, &number);
  if (slot != nullptr) {
    if (slot->info.pid == 0) slot->info.database = shared->databases[number] = InvalidOid;
    LWLockRelease(slot_lock(number));
  }
  LWLockRelease(table_lock());
}

void terminate_sender(Oid database) {
  int number;
  Slot* slot = lock_slot(database, LW_SHARED, &number);
  if (slot == nullptr) return;
  // A process clears its pid under this lock before it exits, so this pid is still the sender's.
  if (slot->info.pid != 0) kill(slot->info.pid, SIGTERM);
  LWLockRelease(slot_lock(number));
}

}  // namespace coach_sms
