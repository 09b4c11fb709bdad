#include "pg/workers/worker.hpp"

#include <algorithm>

#include "pg/base/extension.hpp"
#include "pg/base/statement.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr char kOwnerName[] = "coach_sms_owner";
constexpr int kGraceForDrop = 3000;

WorkerContext context;
MemoryContext step_caller_context;

// --- the extension ----------------------------------------------------------------------------

// Locks the extension until the end of the step, so that no session can drop it. Returns false if a
// session that drops or alters it has the lock.
bool lock_extension(Oid extension) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
  if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL) return false;
  AcceptInvalidationMessages();
  return true;
}

void remember_database() {
  const char* name = get_database_name(MyDatabaseId);
  strlcpy(context.database_name, name == nullptr ? "" : name, NAMEDATALEN);
  context.database = MyDatabaseId;
}

void remember_extension(const ExtensionRow& row) {
  context.extension = row.oid;
  context.schema = row.schema;
  strlcpy(context.extension_version, row.version, sizeof(context.extension_version));
  const char* schema_name = get_namespace_name(row.schema);
  strlcpy(context.schema_name, schema_name == nullptr ? "" : schema_name, NAMEDATALEN);
}

ExtensionStatus examine_extension() {
  ExtensionRow row;
  if (!OidIsValid(context.database)) remember_database();
  if (!OidIsValid(context.extension)) {
    if (!read_extension(&row)) return ExtensionStatus::kGone;
    context.extension = row.oid;
  }
  if (!lock_extension(context.extension)) return ExtensionStatus::kBusy;
  if (!read_extension(&row)) return ExtensionStatus::kGone;
  if (row.oid != context.extension) return ExtensionStatus::kReplaced;
  remember_extension(row);
  return strcmp(row.version, library_version()) == 0 ? ExtensionStatus::kUsable
                                                     : ExtensionStatus::kOtherVersion;
}

// --- steps ------------------------------------------------------------------------------------

void become_owner() {
  context.owner = get_role_oid(kOwnerName, true);
  if (!OidIsValid(context.owner))
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", kOwnerName),
             errhint("CREATE EXTENSION coach_sms makes it; create it again with NOLOGIN "
                     "and give it the extension's tables.")));
  if (superuser_arg(context.owner))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" is a superuser", kOwnerName),
                    errhint("ALTER ROLE %s NOSUPERUSER.", kOwnerName)));
  SetUserIdAndSecContext(context.owner, SECURITY_LOCAL_USERID_CHANGE);
}

void begin_step(const char* name) {
  // A missing synchronous standby must not delay a shutdown.
  if (ShutdownRequestPending)
    SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_OVERRIDE);
  SetCurrentStatementStartTimestamp();
  pgstat_report_activity(STATE_RUNNING, name);
  report_activity(name);
  StartTransactionCommand();
}

void run_in_spi(void (*work)(void*), void* state) {
  use_schema(worker_context()->schema);
  PushActiveSnapshot(GetTransactionSnapshot());
  SPI_connect();
  MemoryContextSwitchTo(step_caller_context);
  work(state);
  SPI_finish();
  PopActiveSnapshot();
}

void commit_step() {
  CommitTransactionCommand();
  // on_sigterm() in sender_main.cpp cancels the wait inside the commit only, not the next
  // statement.
  if (ShutdownRequestPending) QueryCancelPending = false;
  MemoryContextSwitchTo(step_caller_context);
}

// Recovers in the order of autovacuum's error handling (autovacuum.c). AbortCurrentTransaction()
// restores the session's role.
void recover_from_error() {
  HOLD_INTERRUPTS();
  disable_all_timeouts(false);
  QueryCancelPending = false;
  EmitErrorReport();
  MemoryContextSwitchTo(step_caller_context);
  ErrorData* error = CopyErrorData();
  worker_context()->last_error = error->sqlerrcode;
  report_raised(error->message != nullptr ? error->message : "unknown error", error->sqlerrcode);
  FreeErrorData(error);
  AbortCurrentTransaction();
  MemoryContextSwitchTo(step_caller_context);
  FlushErrorState();
  RESUME_INTERRUPTS();
}

}  // namespace

const char* library_version() {
  return COACH_SMS_VERSION;
}

WorkerContext* worker_context() {
  return &context;
}

bool run_step(const char* name, void (*work)(void*), void* state) {
  volatile bool done = false;
  Oid session_user;
  int session_security;
  step_caller_context = CurrentMemoryContext;
  GetUserIdAndSecContext(&session_user, &session_security);
  PG_TRY();
  {
    begin_step(name);
    context.extension_status = examine_extension();
    if (context.extension_status == ExtensionStatus::kUsable) {
      become_owner();
      run_in_spi(work, state);
      done = true;
    }
    commit_step();
    SetUserIdAndSecContext(session_user, session_security);
  }
  PG_CATCH();
  {
    done = false;
    recover_from_error();
  }
  PG_END_TRY();
  pgstat_report_stat(false);
  return done;
}

bool process_signals() {
  QueryCancelPending = false;  // no statement runs that it could cancel
  CHECK_FOR_INTERRUPTS();
  if (!ConfigReloadPending) return false;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  return true;
}

void before_sleep(const char* activity, TimestampTz wake_at) {
  constexpr int kLongSleep = 1000;  // ms; shorter ones need not take the statistics' locks
  pgstat_report_stat(TimestampDifferenceExceeds(GetCurrentTimestamp(), wake_at, kLongSleep));
  pgstat_report_activity(STATE_IDLE, activity);
  report_activity(activity);
  report_heartbeat(wake_at);
}

bool should_stop() {
  return ShutdownRequestPending;
}

int shutdown_grace_ms() {
  SenderInfo info;
  const bool wanted = read_sender(MyDatabaseId, &info) && info.hold_until > GetCurrentTimestamp();
  return wanted && settings::request_timeout > kGraceForDrop ? kGraceForDrop
                                                             : settings::request_timeout;
}

int backoff_after(int failures) {
  constexpr int kLongest = 60 * 1000;
  return std::min(kLongest, 1000 << std::clamp(failures - 1, 0, 6));
}

}  // namespace coach_sms
