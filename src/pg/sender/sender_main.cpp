// The beginning and the end of a sender process; between them sender_run() works.

#include "pg/bookings/booking_statement.hpp"
#include "pg/sender/sender.hpp"
#include "pg/shared/shared_state.hpp"
#include "pg/workers/worker.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

// The key of the sender's session advisory lock: "COAC", "HSMS". SQL functions cannot reach its
// class (theirs are 1 and 2), so no user can keep a database from sending. pg_locks shows it as
// locktype advisory, classid 1129267523, objid 1213418835, objsubid 3.
constexpr uint32 kLockKey1 = 0x434F4143;
constexpr uint32 kLockKey2 = 0x48534D53;
constexpr uint16 kLockClass = 3;

// Milliseconds.
constexpr int kVersionCheckInterval = 3000;
constexpr int kBusyCheckInterval = 500;

// Set from a commit's last interrupt check to its end: in between the commit waits for synchronous
// standbys.
volatile sig_atomic_t committing;

void at_end_of_transaction(XactEvent event, void*) {
  committing = event == XACT_EVENT_PRE_COMMIT;
}

// Requests the end as SignalHandlerForShutdownRequest() does, so that answers in hand are still
// recorded. A commit that waits for a synchronous standby reacts to cancel and terminate requests
// only. Without the cancel, a missing standby would block the server's shutdown.
void on_sigterm(SIGNAL_ARGS) {
  const int saved_errno = errno;
  (void)postgres_signal_arg;
  ShutdownRequestPending = true;
  if (committing) QueryCancelPending = true;
  if (running_application_code != 0) {
    QueryCancelPending = 1;
    InterruptPending = 1;
  }
  SetLatch(MyLatch);
  errno = saved_errno;
}

void add_error_context(void* database) {
  const WorkerContext* context = worker_context();
  if (context->database_name[0] != '\0')
    errcontext("coach_sms sender for database \"%s\"", context->database_name);
  else
    errcontext("coach_sms sender for database %u", *static_cast<Oid*>(database));
}

// Pins the settings, so that ALTER DATABASE and ALTER ROLE cannot change how messages are sent.
void pin_session_settings() {
  static constexpr const char* kPinned[][2] = {
      {"synchronous_commit", "on"},
      {"search_path", "pg_catalog, pg_temp"},
      // The core gets UTF-8. Outside transactions PostgreSQL cannot look up another conversion.
      {"client_encoding", "UTF8"},
      {"TimeZone", "UTC"},
      {"DateStyle", "ISO"},
      {"default_transaction_isolation", "read committed"},
      {"default_transaction_read_only", "off"},
      {"default_transaction_deferrable", "off"},
      {"session_replication_role", "origin"},
      {"row_security", "on"},
      {"lock_timeout", "2s"},  // a step does not react to SIGTERM
      {"idle_in_transaction_session_timeout", "0"},
      {"jit", "off"},
      // Every statement looks a few rows up by their keys. Statistics of a queue show the moment at
      // which they were taken, when it was empty or full. So no plan may depend on them.
      {"plan_cache_mode", "force_generic_plan"},
      {"enable_seqscan", "off"},
      {"enable_bitmapscan", "off"},
      {"enable_hashjoin", "off"},
      {"enable_mergejoin", "off"},
  };
  StartTransactionCommand();  // for the look-up of a conversion
  for (const auto& setting : kPinned)
    SetConfigOption(setting[0], setting[1], PGC_SUSET, PGC_S_OVERRIDE);
  CommitTransactionCommand();
}

// Connects. Before that, SIGTERM may end the process at once, even in a lock wait: a connection
// waits for a DROP DATABASE under way. Afterwards SIGTERM only requests the end.
void connect_to(Oid database) {
  pqsignal(SIGTERM, die);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
  pqsignal(SIGTERM, on_sigterm);
  RegisterXactCallback(at_end_of_transaction, nullptr);
  pgstat_report_appname("coach_sms sender " COACH_SMS_VERSION);
  pin_session_settings();
}

void take_sender_lock(void* locked) {
  bool* held = static_cast<bool*>(locked);
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, kLockKey1, kLockKey2, kLockClass);
  *held = *held || LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

// Sleeps. With `interruptible`, a wake-up of the sender also ends the sleep.
void nap(int milliseconds, bool interruptible) {
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
  before_sleep("waiting", end);
  for (long left = milliseconds; left > 0 && !should_stop();) {
    const int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left,
                                 PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    process_signals();
    if (interruptible && (events & WL_LATCH_SET)) return;
    left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
  }
}

// --- what to do after a look at the extension -------------------------------------------------

[[noreturn]] void leave_without_extension() {
  if (OidIsValid(worker_context()->extension))
    ereport(LOG, (errmsg("coach_sms was dropped from database \"%s\", its sender ends",
                         worker_context()->database_name)));
  report_state(WorkerState::kNoExtension);
  proc_exit(0);
}

[[noreturn]] void leave_to_another_sender() {
  ereport(WARNING, (errmsg("another process is already sending for database \"%s\"",
                           worker_context()->database_name)));
  report_error("another process is already sending for this database");
  proc_exit(1);
}

void wait_for_update() {
  static char logged[sizeof(WorkerContext::extension_version)];
  const char* installed = worker_context()->extension_version;
  if (strcmp(logged, installed) != 0)
    ereport(LOG, (errmsg("coach_sms sends nothing in database \"%s\": its SQL is version %s, "
                         "the library is version %s",
                         worker_context()->database_name, installed, library_version()),
                  errhint("Run ALTER EXTENSION coach_sms UPDATE in that database.")));
  strlcpy(logged, installed, sizeof(logged));
  report_state(WorkerState::kVersionMismatch);
  nap(kVersionCheckInterval, true);
}

void wait_while_busy() {
  report_state(WorkerState::kStarting);
  nap(kBusyCheckInterval, false);
}

void wait_after_error(int failures) {
  report_state(WorkerState::kStepFailed);
  nap(backoff_after(failures), false);
}

void serve() {
  bool locked = false;
  int failures = 0;
  while (!should_stop()) {
    if (run_step("looking for the extension", take_sender_lock, &locked)) {
      if (!locked) leave_to_another_sender();
      failures = 0;
      sender_run(worker_context());
      continue;
    }
    switch (worker_context()->extension_status) {
      case ExtensionStatus::kUsable:
        wait_after_error(++failures);
        break;
      case ExtensionStatus::kGone:
        leave_without_extension();
      case ExtensionStatus::kReplaced:
        return;
      case ExtensionStatus::kBusy:
        wait_while_busy();
        break;
      case ExtensionStatus::kOtherVersion:
        wait_for_update();
        break;
    }
  }
}

}  // namespace

}  // namespace coach_sms

extern "C" {

PGDLLEXPORT void coach_sms_sender_main(Datum argument);

// Runs a sender. The argument is the database's OID, and bgw_extra has the slot's generation. If
// the database is gone, the connection ends with a FATAL error, and the launcher does not start the
// sender again.
void coach_sms_sender_main(Datum argument) {
  using namespace coach_sms;
  Oid database = DatumGetObjectId(argument);
  uint32 generation;
  memcpy(&generation, MyBgworkerEntry->bgw_extra, sizeof(generation));
  ErrorContextCallback callback = {error_context_stack, add_error_context, &database};
  error_context_stack = &callback;

  if (!attach_sender(database, generation)) proc_exit(0);
  connect_to(database);
  serve();
  proc_exit(0);
}
}
