// The launcher: one process a server that keeps one sender in each database that has the extension.
// It is connected to no database, and reads only the shared pg_database. From a sender that it
// starts it learns whether the extension is there.
//
//   kUnknown --start--> kStarted --ended, no extension--> kEmpty --poked or SIGHUP--> kUnknown
//                         |   ^
//          ended otherwise|   |time is up
//                         v   |
//                        kWaiting   (backing off, held, or no worker slot)
//
// When a database is no longer listed (dropped, a template, not in coach_sms.databases), the
// launcher ends its sender and removes its entry.

#include "pg/workers/launcher.hpp"

#include <algorithm>

#include "pg/shared/shared_state.hpp"
#include "pg/workers/database_registry.hpp"
#include "pg/workers/worker.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kLookInterval = 60 * 1000;  // ms, as below; all changes poke the launcher anyway
constexpr int kNoSlotDelay = 10 * 1000;
constexpr int kProbePatience = 5 * 1000;
constexpr int kLongLife = 60 * 1000;  // after such a run the delay begins at 1 s again
constexpr int kRestartAfter = 10;     // seconds until the postmaster restarts the launcher

TimestampTz next_look;
TimestampTz looked_at;
bool logged_no_slot;

// --- starting ---------------------------------------------------------------------------------

void fill_sender(BackgroundWorker* worker, const Entry* entry, uint32 generation) {
  memset(worker, 0, sizeof(*worker));
  worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker->bgw_restart_time = BGW_NEVER_RESTART;
  worker->bgw_main_arg = ObjectIdGetDatum(entry->database);
  worker->bgw_notify_pid = MyProcPid;
  memcpy(worker->bgw_extra, &generation, sizeof(generation));
  strlcpy(worker->bgw_library_name, "coach_sms", BGW_MAXLEN);
  strlcpy(worker->bgw_function_name, "coach_sms_sender_main", BGW_MAXLEN);
  strlcpy(worker->bgw_type, "coach_sms sender", BGW_MAXLEN);
  snprintf(worker->bgw_name, BGW_MAXLEN, "coach_sms sender for %s", NameStr(entry->name));
}

bool register_sender(Entry* entry, uint32 generation) {
  BackgroundWorker worker;
  fill_sender(&worker, entry, generation);
  MemoryContext turn = MemoryContextSwitchTo(TopMemoryContext);  // the handle lives on
  const bool registered = RegisterDynamicBackgroundWorker(&worker, &entry->handle);
  MemoryContextSwitchTo(turn);
  return registered;
}

void wait_until(Entry* entry, TimestampTz time, WorkerState shown, const char* error) {
  entry->state = EntryState::kWaiting;
  entry->start_after = time;
  report_absent_sender(entry->database, shown, error);
}

void wait_for(Entry* entry, int milliseconds, WorkerState shown, const char* error) {
  wait_until(entry, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds), shown, error);
}

void log_once_no_slot(const Entry* entry, const char* message, const char* hint) {
  if (!logged_no_slot)
    ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                      errmsg("%s, database \"%s\" waits", message, NameStr(entry->name)),
                      errhint("%s", hint)));
  logged_no_slot = true;
}

bool is_held(Entry* entry) {
  SenderInfo info;
  if (!read_sender(entry->database, &info) || info.hold_until <= GetCurrentTimestamp())
    return false;
  wait_until(entry, info.hold_until, WorkerState::kHeld, nullptr);
  return true;
}

// Takes over a hold that was made shorter, or longer, meanwhile.
void follow_hold(Entry* entry) {
  SenderInfo info;
  if (read_sender(entry->database, &info) && info.state == WorkerState::kHeld)
    entry->start_after = info.hold_until;
}

void start_sender(Entry* entry) {
  uint32 generation;
  const bool probe = !entry->has_extension;
  if (is_held(entry)) return;
  if (!prepare_sender(entry->database, probe ? WorkerState::kProbing : WorkerState::kStarting,
                      &generation)) {
    log_once_no_slot(entry, "out of coach_sms database slots",
                     "Name the databases that send messages in coach_sms.databases.");
    return wait_for(entry, kNoSlotDelay, WorkerState::kBackingOff, nullptr);
  }
  if (!register_sender(entry, generation)) {
    log_once_no_slot(entry, "out of background worker slots",
                     "You might need to increase max_worker_processes.");
    return wait_for(entry, kNoSlotDelay, WorkerState::kBackingOff,
                    "out of background worker slots: increase max_worker_processes");
  }
  logged_no_slot = false;
  entry->state = EntryState::kStarted;
  entry->started_at = GetCurrentTimestamp();
  entry->poked = false;
}

// --- watching ---------------------------------------------------------------------------------

// Returns whether the started sender still looks for the extension. A sender that hangs on a lock
// on its database counts for kProbePatience only, so that the others can start.
bool is_probing(const Entry* entry) {
  SenderInfo info;
  return entry->state == EntryState::kStarted && !entry->has_extension &&
         !TimestampDifferenceExceeds(entry->started_at, GetCurrentTimestamp(), kProbePatience) &&
         read_sender(entry->database, &info) && info.state == WorkerState::kProbing;
}

bool somebody_is_probing() {
  for (int i = 0; i < entry_count; i++) {
    if (is_probing(&entries[i])) return true;
  }
  return false;
}

bool has_ended(const Entry* entry, const SenderInfo& info) {
  pid_t pid;
  if (entry->handle == nullptr) return info.pid == 0;
  return GetBackgroundWorkerPid(entry->handle, &pid) == BGWH_STOPPED;
}

void drop_handle(Entry* entry) {
  if (entry->handle != nullptr) pfree(entry->handle);
  entry->handle = nullptr;
}

void ended_without_extension(Entry* entry) {
  entry->has_extension = false;
  entry->failures = 0;
  entry->state = entry->poked ? EntryState::kUnknown : EntryState::kEmpty;
  forget_sender(entry->database);
}

void ended_otherwise(Entry* entry) {
  const TimestampTz now = GetCurrentTimestamp();
  if (TimestampDifferenceExceeds(entry->started_at, now, kLongLife)) entry->failures = 0;
  // A poke means: dropped and created again, updated, or no longer held. The next sender finds
  // another state.
  const int delay = entry->poked ? 0 : backoff_after(++entry->failures);
  wait_for(entry, delay, WorkerState::kBackingOff, nullptr);
}

void watch_started(Entry* entry) {
  SenderInfo info;
  memset(&info, 0, sizeof(info));
  read_sender(entry->database, &info);
  if (!has_ended(entry, info)) {
    entry->has_extension = entry->has_extension || info.state != WorkerState::kProbing;
    if (!entry->listed) terminate_sender(entry->database);
    return;
  }
  drop_handle(entry);
  if (info.state == WorkerState::kNoExtension)
    ended_without_extension(entry);
  else
    ended_otherwise(entry);
}

void look_by(TimestampTz time) {
  next_look = std::min(next_look, time);
}

void probe_in_turn(Entry* entry) {
  if (!somebody_is_probing()) return start_sender(entry);
  look_by(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kProbePatience));
}

void advance(Entry* entry) {
  switch (entry->state) {
    case EntryState::kUnknown:
      probe_in_turn(entry);
      break;
    case EntryState::kStarted:
      watch_started(entry);
      break;
    case EntryState::kWaiting:
      follow_hold(entry);
      if (entry->start_after <= GetCurrentTimestamp()) start_sender(entry);
      break;
    case EntryState::kEmpty:
      break;
  }
  if (entry->state == EntryState::kWaiting) look_by(entry->start_after);
}

// --- requests of sessions ----------------------------------------------------------------------

void look_again(Entry* entry) {
  entry->poked = true;
  entry->failures = 0;
  if (entry->state == EntryState::kEmpty) entry->state = EntryState::kUnknown;
  if (entry->state == EntryState::kWaiting) entry->start_after = GetCurrentTimestamp();
  wake_sender_now(entry->database);
}

void look_everywhere() {
  for (int i = 0; i < entry_count; i++)
    look_again(&entries[i]);
}

void answer_pokes() {
  Oid poked[kMaxPokes];
  bool everything;
  const int count = take_pokes(poked, &everything);
  if (everything) look_everywhere();
  for (int i = 0; i < count; i++) {
    if (Entry* entry = find_entry(poked[i])) look_again(entry);
  }
}

// Loops backwards, since the last entry replaces one that is removed.
void advance_all() {
  for (int i = entry_count - 1; i >= 0; i--) {
    if (!entries[i].listed && entries[i].state != EntryState::kStarted)
      remove_entry(&entries[i]);
    else
      advance(&entries[i]);
  }
}

// Frees slots that no sender uses. A hold makes a slot where there was none.
void forget_idle_slots() {
  SenderInfo info;
  for (int slot = 0; slot < kMaxDatabases; slot++) {
    if (!read_sender_slot(slot, &info) || info.hold_until > GetCurrentTimestamp()) continue;
    const Entry* entry = find_entry(info.database);
    if (entry == nullptr || entry->state == EntryState::kEmpty) forget_sender(info.database);
  }
}

void take_turn() {
  MemoryContext turn = CurrentMemoryContext;
  const TimestampTz now = GetCurrentTimestamp();
  next_look = TimestampTzPlusMilliseconds(now, kLookInterval);
  read_databases();
  MemoryContextSwitchTo(turn);
  if (now < looked_at) look_everywhere();  // the clock was set back
  looked_at = now;
  answer_pokes();
  advance_all();
  forget_idle_slots();
}

void wait_for_news() {
  pgstat_report_stat(true);
  pgstat_report_activity(STATE_IDLE, nullptr);
  const long timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_look);
  WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  if (process_signals()) look_everywhere();
}

}  // namespace

void register_launcher() {
  BackgroundWorker worker;
  memset(&worker, 0, sizeof(worker));
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = kRestartAfter;
  strlcpy(worker.bgw_library_name, "coach_sms", BGW_MAXLEN);
  strlcpy(worker.bgw_function_name, "coach_sms_launcher_main", BGW_MAXLEN);
  strlcpy(worker.bgw_type, "coach_sms launcher", BGW_MAXLEN);
  strlcpy(worker.bgw_name, "coach_sms launcher", BGW_MAXLEN);
  RegisterBackgroundWorker(&worker);
}

}  // namespace coach_sms

extern "C" {

PGDLLEXPORT void coach_sms_launcher_main(Datum);

// Ends with exit code 1 after an error or SIGTERM: the postmaster then starts it again, unless the
// server stops. Its senders live on, and the next launcher adopts them.
void coach_sms_launcher_main(Datum) {
  using namespace coach_sms;
  pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  BackgroundWorkerUnblockSignals();
  attach_launcher();
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  pgstat_report_appname("coach_sms launcher " COACH_SMS_VERSION);
  start_registry();

  MemoryContext turn =
      AllocSetContextCreate(TopMemoryContext, "coach_sms launcher turn", ALLOCSET_DEFAULT_SIZES);
  while (!should_stop()) {
    MemoryContextSwitchTo(turn);
    take_turn();
    wait_for_news();
    MemoryContextReset(turn);
  }
  proc_exit(1);
}
}
