// The SQL functions about processes. Their declarations in sql/install decide who may call them.
// The checks that hold for every caller are here.

#include "pg/base/statement.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/shared/shared_state.hpp"
#include "pg/tenancy/tenancy.hpp"
#include "pg/workers/utility_hooks.hpp"
#include "pg/workers/worker.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kStatColumns = 21;

// A result row. Values are added from left to right.
struct Row {
  Datum values[kStatColumns];
  bool nulls[kStatColumns];
  int filled = 0;

  void add(Datum value, bool is_null = false) {
    values[filled] = value;
    nulls[filled++] = is_null;
  }
  void add_text(const char* value) {
    const bool is_null = value == nullptr || value[0] == '\0';
    add(is_null ? 0 : CStringGetTextDatum(value), is_null);
  }
  void add_time(TimestampTz value) { add(TimestampTzGetDatum(value), value == 0); }
};

// Returns the error's text, or its SQLSTATE alone for a monitor: an error of the application's code
// may quote data.
const char* last_error_for(const SenderInfo& info, bool may_see_words) {
  if (may_see_words || info.last_sqlstate == 0) return info.last_error;
  return psprintf("a step failed with SQLSTATE %s; the server's log says more",
                  unpack_sql_state(info.last_sqlstate));
}

void add_sender(ReturnSetInfo* result, const SenderInfo& info, bool may_see_words) {
  Row row;
  row.add(ObjectIdGetDatum(info.database));
  row.add_text(get_database_name(info.database));
  row.add(Int32GetDatum(info.pid), info.pid == 0);
  row.add_text(word_for(info.state));
  row.add_text(info.activity);
  row.add_time(info.started_at);
  row.add_time(info.heartbeat_at);
  row.add_time(info.next_wake_at);
  row.add_time(info.hold_until > GetCurrentTimestamp() ? info.hold_until : 0);
  row.add(Int32GetDatum(info.starts > 0 ? static_cast<int32>(info.starts) - 1 : 0));
  for (const uint64 counter : info.counters)
    row.add(Int64GetDatum(static_cast<int64>(counter)));
  row.add(Int32GetDatum(info.in_flight));
  const LatencyHistogram durations = read_latency(info.database, Latency::kRequest);
  for (const double share : {0.50, 0.99}) {
    const double duration = durations.percentile_ms(share);
    row.add(Float8GetDatum(duration), duration == 0);
  }
  row.add_text(last_error_for(info, may_see_words));
  row.add_time(info.last_error_at);
  row.add_text(library_version());
  tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

void check_owns_database(Oid database, const char* name) {
  if (!owns_database(database))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be owner of database \"%s\"", name),
                    errhint("Ask its owner or a superuser to call sms_detach_worker().")));
}

TimestampTz after(const Interval* hold) {
  const TimestampTz now = GetCurrentTimestamp();
  const TimestampTz until = DatumGetTimestampTz(DirectFunctionCall2(
      timestamptz_pl_interval, TimestampTzGetDatum(now), PointerGetDatum(hold)));
  if (until <= now)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the interval to hold the database must be positive"),
                    errhint("Give the time that your ALTER DATABASE or CREATE DATABASE needs, "
                            "such as interval '1 minute'.")));
  return until;
}

}  // namespace

}  // namespace coach_sms

extern "C" {

// sms_poke_launcher(): asks the launcher, at commit, to look at this database; the last statement
// of the scripts that create or update the extension
PG_FUNCTION_INFO_V1(coach_sms_poke_launcher);
Datum coach_sms_poke_launcher(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  coach_sms::poke_launcher_at_commit();
  PG_RETURN_VOID();
}

// Wakes this database's sender at once, even if the transaction is rolled back.
PG_FUNCTION_INFO_V1(coach_sms_wake_sender);
Datum coach_sms_wake_sender(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  coach_sms::wake_sender_now(MyDatabaseId);
  PG_RETURN_VOID();
}

// Returns one row if this database has a sender or waits for one. Other databases' senders are not
// shown.
PG_FUNCTION_INFO_V1(coach_sms_worker_stat);
Datum coach_sms_worker_stat(PG_FUNCTION_ARGS) {
  ReturnSetInfo* result = coach_sms::init_materialized_srf(fcinfo);
  coach_sms::use_schema_of(fcinfo);
  const bool may_see_words = coach_sms::acts_for_all_orgs(coach_sms::calling_role());
  coach_sms::SenderInfo info;
  for (int slot = 0; slot < coach_sms::kMaxDatabases; slot++) {
    if (coach_sms::read_sender_slot(slot, &info) && info.database == MyDatabaseId)
      coach_sms::add_sender(result, info, may_see_words);
  }
  return 0;
}

// sms_detach_worker(database name, hold interval) → boolean: holds the database; true if it has no
// sender now
PG_FUNCTION_INFO_V1(coach_sms_detach_worker);
Datum coach_sms_detach_worker(PG_FUNCTION_ARGS) {
  const char* name = NameStr(*PG_GETARG_NAME(0));
  const Oid database = get_database_oid(name, false);
  coach_sms::check_owns_database(database, name);
  const TimestampTz until = coach_sms::after(PG_GETARG_INTERVAL_P(1));
  PG_RETURN_BOOL(coach_sms::detach_sender_from(database, until));
}

PG_FUNCTION_INFO_V1(coach_sms_library_version);
Datum coach_sms_library_version(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_TEXT_P(cstring_to_text(coach_sms::library_version()));
}

PG_FUNCTION_INFO_V1(coach_sms_is_preloaded);
Datum coach_sms_is_preloaded(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_BOOL(coach_sms::shared_state_available());
}

// Returns the launcher's pid; NULL where there is none: not preloaded, in recovery, or about to
// restart.
PG_FUNCTION_INFO_V1(coach_sms_launcher_pid);
Datum coach_sms_launcher_pid(PG_FUNCTION_ARGS) {
  const pid_t pid = coach_sms::launcher_pid();
  if (pid == 0) PG_RETURN_NULL();
  PG_RETURN_INT32(pid);
}
}
