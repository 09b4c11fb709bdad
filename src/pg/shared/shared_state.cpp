#include "pg/shared/slot_layout.hpp"

#include <csignal>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

SharedState* shared;

namespace {

constexpr char kTrancheName[] = "coach_sms";

LWLockPadded* locks;  // [0] for the table, [1 + n] for slot n
shmem_request_hook_type earlier_shmem_request_hook;
shmem_startup_hook_type earlier_shmem_startup_hook;

void request_memory() {
  if (earlier_shmem_request_hook != nullptr) earlier_shmem_request_hook();
  RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)));
  RequestNamedLWLockTranche(kTrancheName, 1 + kMaxDatabases);
}

// Calls `act` with each count of the one and of the other.
template <typename One, typename Other, typename Act>
void each_count(One* one, Other* other, Act act) {
  for (int i = 0; i < kEndingCounters; i++)
    act(&one->endings[i], &other->endings[i]);
  for (int i = 0; i < kWebhookStatusCount; i++)
    act(&one->webhook_calls[i], &other->webhook_calls[i]);
  act(&one->segments, &other->segments);
}

void initialise_slot(Slot* slot) {
  memset(slot, 0, sizeof(*slot));
  slot->proc_number = kNoProc;
  slot->counting_since = GetCurrentTimestamp();
  ConditionVariableInit(&slot->ended);
  for (pg_atomic_uint64& counter : slot->counters)
    pg_atomic_init_u64(&counter, 0);
  each_count(&slot->counts, &slot->counts,
             [](pg_atomic_uint64* count, pg_atomic_uint64*) { pg_atomic_init_u64(count, 0); });
  for (pg_atomic_uint32& counter : slot->recalls)
    pg_atomic_init_u32(&counter, 0);
}

void start_memory() {
  if (earlier_shmem_startup_hook != nullptr) earlier_shmem_startup_hook();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found;
  shared = static_cast<SharedState*>(ShmemInitStruct("coach_sms", sizeof(SharedState), &found));
  locks = GetNamedLWLockTranche(kTrancheName);
  if (!found) {
    memset(shared, 0, sizeof(*shared));
    shared->launcher_proc_number = kNoProc;
    // Transactions may have been prepared before this start. attach_launcher() moves the time to
    // the end of recovery.
    if (max_prepared_xacts > 0) shared->prepared_unknown_until = GetCurrentTimestamp();
    for (Slot& slot : shared->slots)
      initialise_slot(&slot);
  }
  LWLockRelease(AddinShmemInitLock);
}

void copy_info(Slot* slot, SenderInfo* info) {
  *info = slot->info;
  info->counting_since = slot->counting_since;
  for (int i = 0; i < kCounters; i++)
    info->counters[i] = pg_atomic_read_u64(&slot->counters[i]);
  each_count(&slot->counts, &info->counts,
             [](pg_atomic_uint64* count, uint64* copy) { *copy = pg_atomic_read_u64(count); });
}

void add_arrival(Slot* slot, const Arrival& arrival) {
  for (int i = 0; i < slot->arrival_count; i++) {
    Arrival& known = slot->arrivals[i];
    if (!is_same_lane(known, arrival)) continue;
    if (arrival.due_at < known.due_at) known.due_at = arrival.due_at;
    return;
  }
  if (slot->arrival_count == kMaxArrivals)
    slot->overflow = true;
  else
    slot->arrivals[slot->arrival_count++] = arrival;
}

bool sender_is_running(Oid database) {
  SenderInfo info;
  return read_sender(database, &info) && info.pid != 0;
}

}  // namespace

LWLock* table_lock() {
  return &locks[0].lock;
}
LWLock* slot_lock(int slot) {
  return &locks[1 + slot].lock;
}

int find_slot(Oid database) {
  if (shared == nullptr || !OidIsValid(database)) return -1;
  for (int i = 0; i < kMaxDatabases; i++) {
    if (static_cast<volatile Oid*>(shared->databases)[i] == database) return i;
  }
  return -1;
}

Slot* lock_slot(Oid database, LWLockMode mode, int* number) {
  *number = find_slot(database);
  if (*number < 0) return nullptr;
  Slot* slot = &shared->slots[*number];
  LWLockAcquire(slot_lock(*number), mode);
  if (slot->info.database == database) return slot;
  LWLockRelease(slot_lock(*number));
  return nullptr;
}

int find_or_allocate_slot(Oid database) {
  const int found = find_slot(database);
  if (found >= 0) return found;
  for (int i = 0; i < kMaxDatabases; i++) {
    if (OidIsValid(shared->databases[i])) continue;
    LWLockAcquire(slot_lock(i), LW_EXCLUSIVE);
    const uint32 generation = shared->slots[i].info.generation;
    initialise_slot(&shared->slots[i]);
    shared->slots[i].info.generation = generation;
    shared->slots[i].info.database = database;
    shared->databases[i] = database;
    LWLockRelease(slot_lock(i));
    return i;
  }
  return -1;
}

void set_last_error(Slot* slot, const char* text) {
  const int length = pg_mbcliplen(text, static_cast<int>(strlen(text)),
                                  static_cast<int>(sizeof(slot->info.last_error)) - 1);
  memcpy(slot->info.last_error, text, static_cast<size_t>(length));
  slot->info.last_error[length] = '\0';
  slot->info.last_sqlstate = 0;
  slot->info.last_error_at = GetCurrentTimestamp();
}

void wake_launcher() {
  LWLockAcquire(table_lock(), LW_SHARED);
  const int proc_number = shared->launcher_proc_number;
  LWLockRelease(table_lock());
  if (proc_number != kNoProc) wake_proc(proc_number);
}

const char* word_for(WorkerState state) {
  switch (state) {
    case WorkerState::kNone:
      return "none";
    case WorkerState::kProbing:
      return "probing";
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kSandbox:
      return "sandbox";
    case WorkerState::kLive:
      return "live";
    case WorkerState::kNotArmed:
      return "not armed";
    case WorkerState::kVersionMismatch:
      return "version mismatch";
    case WorkerState::kStepFailed:
      return "step failed";
    case WorkerState::kStopping:
      return "stopping";
    case WorkerState::kBackingOff:
      return "backing off";
    case WorkerState::kHeld:
      return "held";
    case WorkerState::kNoExtension:
      return "no extension";
    case WorkerState::kStopped:
      return "stopped";
  }
  return "none";
}

void shared_state_request() {
  earlier_shmem_request_hook = shmem_request_hook;
  shmem_request_hook = request_memory;
  earlier_shmem_startup_hook = shmem_startup_hook;
  shmem_startup_hook = start_memory;
}

bool shared_state_available() {
  return shared != nullptr;
}

namespace {

void publish(Oid database, const Arrival* arrivals, int count, bool overflow,
             bool settings_changed) {
  int number;
  Slot* slot = lock_slot(database, LW_EXCLUSIVE, &number);
  if (slot == nullptr) return;
  slot->overflow = slot->overflow || overflow;
  slot->settings_changed = slot->settings_changed || settings_changed;
  for (int i = 0; i < count && !slot->overflow; i++)
    add_arrival(slot, arrivals[i]);
  const int proc_number = slot->proc_number;
  LWLockRelease(slot_lock(number));
  if (proc_number != kNoProc) wake_proc(proc_number);
}

}  // namespace

void publish_arrivals(Oid database, const Arrival* arrivals, int count, bool overflow) {
  publish(database, arrivals, count, overflow, false);
}

// Hashes the last eight digits, which all forms of a number share (core/text/phone_forms.hpp).
uint32 recall_counter_of(const char* phone) {
  constexpr size_t kShared = 8;
  const size_t size = strlen(phone);
  const char* end = size > kShared ? phone + size - kShared : phone;
  return hash_bytes(reinterpret_cast<const unsigned char*>(end), static_cast<int>(strlen(end))) %
         kRecallCounters;
}

void publish_recalls(Oid database, const Recalls& recalls) {
  int number;
  Slot* slot = lock_slot(database, LW_SHARED, &number);
  if (slot == nullptr) return;
  for (int i = 0; i < kRecallCounters; i++)
    if ((recalls.bits[i / 64] >> (i % 64) & 1) != 0) pg_atomic_fetch_add_u32(&slot->recalls[i], 1);
  LWLockRelease(slot_lock(number));
}

void publish_counts(Oid database, const CommitCounts<uint32>& counts) {
  int number;
  Slot* slot = lock_slot(database, LW_SHARED, &number);
  if (slot == nullptr) return;
  each_count(&slot->counts, &counts, [](pg_atomic_uint64* count, const uint32* added) {
    if (*added != 0) pg_atomic_fetch_add_u64(count, *added);
  });
  LWLockRelease(slot_lock(number));
}

void wake_sender_now(Oid database) {
  publish(database, nullptr, 0, true, true);
}

void keep_prepared(const PreparedNotes& notes) {
  if (shared == nullptr) return;
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  if (shared->prepared_count < kMaxPrepared)
    shared->prepared[shared->prepared_count++] = notes;
  else
    shared->prepared_unknown_until = GetCurrentTimestamp();
  LWLockRelease(table_lock());
}

bool take_prepared(uint64 gid_hash, PreparedNotes* notes) {
  if (shared == nullptr) return false;
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  bool found = false;
  for (int i = 0; i < shared->prepared_count && !found; i++) {
    if (shared->prepared[i].gid_hash != gid_hash) continue;
    *notes = shared->prepared[i];
    shared->prepared[i] = shared->prepared[--shared->prepared_count];
    found = true;
  }
  const bool unknown = !found && shared->prepared_unknown_until != 0;
  LWLockRelease(table_lock());
  if (!unknown) return found;
  *notes = {gid_hash, MyDatabaseId, true, true, {}, {}};
  memset(&notes->recalls, 0xff, sizeof notes->recalls);
  return true;
}

TimestampTz prepared_unknown_until() {
  if (shared == nullptr) return 0;
  LWLockAcquire(table_lock(), LW_SHARED);
  const TimestampTz until = shared->prepared_unknown_until;
  LWLockRelease(table_lock());
  return until;
}

void all_prepared_are_known(TimestampTz until) {
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  if (shared->prepared_unknown_until == until) shared->prepared_unknown_until = 0;
  LWLockRelease(table_lock());
}

void poke_launcher(Oid database) {
  if (shared == nullptr) return;
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  if (shared->poke_count == kMaxPokes)
    shared->poke_overflow = true;
  else if (OidIsValid(database))
    shared->pokes[shared->poke_count++] = database;
  LWLockRelease(table_lock());
  wake_launcher();
}

pid_t launcher_pid() {
  if (shared == nullptr) return 0;
  LWLockAcquire(table_lock(), LW_SHARED);
  const pid_t pid = shared->launcher_pid;
  LWLockRelease(table_lock());
  return pid;
}

bool read_sender(Oid database, SenderInfo* info) {
  int number;
  Slot* slot = lock_slot(database, LW_SHARED, &number);
  if (slot == nullptr) return false;
  copy_info(slot, info);
  LWLockRelease(slot_lock(number));
  return true;
}

bool read_sender_slot(int slot, SenderInfo* info) {
  return shared != nullptr && read_sender(shared->databases[slot], info);
}

LatencyHistogram read_latency(Oid database, Latency latency) {
  LatencyHistogram copy{};
  int number;
  Slot* slot = lock_slot(database, LW_SHARED, &number);
  if (slot == nullptr) return copy;
  copy = slot->latencies[static_cast<int>(latency)];
  LWLockRelease(slot_lock(number));
  return copy;
}

void hold_sender(Oid database, TimestampTz until) {
  if (shared == nullptr) return;
  LWLockAcquire(table_lock(), LW_EXCLUSIVE);
  const int number = find_or_allocate_slot(database);
  if (number >= 0) {
    LWLockAcquire(slot_lock(number), LW_EXCLUSIVE);
    shared->slots[number].info.hold_until = until;
    LWLockRelease(slot_lock(number));
  }
  LWLockRelease(table_lock());
  terminate_sender(database);
  wake_launcher();
}

bool wait_for_sender_end(Oid database, int timeout_ms) {
  const int number = find_slot(database);
  if (number < 0) return true;
  ConditionVariable* ended = &shared->slots[number].ended;
  const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
  long left = timeout_ms;
  ConditionVariablePrepareToSleep(ended);
  while (sender_is_running(database) && left > 0) {
    ConditionVariableTimedSleep(ended, left, PG_WAIT_EXTENSION);
    left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
  }
  ConditionVariableCancelSleep();
  return !sender_is_running(database);
}

}  // namespace coach_sms
