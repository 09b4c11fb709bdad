#include "pg/wall.hpp"

#include "pg/booking_source.hpp"
#include "pg/statement.hpp"
#include "pg/worker.hpp"

// Reading and marking the application's bookings, as their owner; and the trigger on them. All that
// these statements hold of others is names, quoted, and values, as parameters.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_read_bookings);
PG_FUNCTION_INFO_V1(coach_sms_find_bookings);
PG_FUNCTION_INFO_V1(coach_sms_mark_booking);
PG_FUNCTION_INFO_V1(coach_sms_booking_trigger);
PG_FUNCTION_INFO_V1(coach_sms_may_decide_another);
}

using namespace coach_sms;

namespace {

constexpr int kColumns = 13;  // of the type sms_booking

// A statement of the attached relations: its plan is kept until the attachment changes, and then
// left where it is, since it may be running further out: the application's code runs within.
struct OwnerStatement {
  char* sql;
  SPIPlanPtr plan;
};

void prepare(OwnerStatement* statement, const char* sql, int count, Oid* types) {
  if (statement->sql != nullptr && strcmp(statement->sql, sql) == 0) return;
  SPIPlanPtr fresh = SPI_prepare(sql, count, types);
  if (fresh == nullptr)
    elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
  char* copy = MemoryContextStrdup(TopMemoryContext, sql);
  SPI_keepplan(fresh);
  *statement = {copy, fresh};
}

void run(OwnerStatement* statement, const char* sql, int count, Oid* types, Datum* values) {
  prepare(statement, sql, count, types);
  const int result = SPI_execute_plan(statement->plan, values, nullptr, false, 0);
  if (result < 0) elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
}

// The sender sends nothing while it reads: a view that is slow must not hold up every text.
constexpr int kLongestRead = 2000;

[[noreturn]] void raise_slow() {
  FlushErrorState();
  ereport(ERROR,
          (errcode(kBadBookings), errmsg("reading bookings took longer than %d ms", kLongestRead),
           errdetail("The sender reads them between its requests, and must not wait for long."),
           errhint("Make the attached view faster, or index its start and end times.")));
}

// Code of theirs may catch a cancel. This nothing can catch; what is in flight is then found out
// about, as after a crash.
void end_process() {
  ProcDiePending = 1;
  InterruptPending = 1;
  SetLatch(MyLatch);
}

TimeoutId much_too_long = MAX_TIMEOUTS;

void begin_others_code() {
  if (much_too_long == MAX_TIMEOUTS) much_too_long = RegisterTimeout(USER_TIMEOUT, end_process);
  runs_others_code = 1;
  enable_timeout_after(STATEMENT_TIMEOUT, kLongestRead);
  enable_timeout_after(much_too_long, 5 * kLongestRead);
}

void end_others_code() {
  runs_others_code = 0;
  disable_timeout(much_too_long, false);
  disable_timeout(STATEMENT_TIMEOUT, false);
}

void run_as(const BookingSource& source, OwnerStatement* statement, const char* sql, int count,
            Oid* types, Datum* values) {
  // Within another one, of a trigger of theirs, the outer one's limits count.
  const bool is_sender = OidIsValid(worker_context()->extension) && runs_others_code == 0;
  const CallerRights caller = act_as_bookings_owner(source);
  if (is_sender) {
    PG_TRY();
    {
      begin_others_code();
      run(statement, sql, count, types, values);
      end_others_code();
    }
    PG_CATCH();
    {
      end_others_code();
      if (geterrcode() == ERRCODE_QUERY_CANCELED) raise_slow();
      PG_RE_THROW();
    }
    PG_END_TRY();
  } else {
    run(statement, sql, count, types, values);
  }
  act_as_caller_again(caller);
}

// $1 and $2 are the words of the status.
const char* narrow_columns(const BookingSource& source) {
  auto flag = [](const char* column) {
    return column == nullptr ? "false" : psprintf("coalesce(b.%s, false)", column);
  };
  // What is reckoned with these times must stay a time, or one booking would stop all others'.
  auto time = [](const char* column) {
    return psprintf(
        "CASE WHEN b.%s IS NOT NULL THEN least(greatest(b.%s::timestamptz,"
        " '1000-01-01 UTC'), '9999-01-01 UTC') END",
        column, column);
  };
  return psprintf(
      "b.%s::uuid, b.%s::uuid, b.%s::uuid, %s, %s,"
      " CASE WHEN b.%s::text OPERATOR(pg_catalog.=) ANY ($1) THEN 'confirmed'"
      "      WHEN b.%s::text OPERATOR(pg_catalog.=) ANY ($2) THEN 'completed' ELSE 'other' END,"
      " %s, %s",
      source.id, source.org_id, source.client_id, time(source.start_time), time(source.end_time),
      source.status, source.status, flag(source.reminder_sent), flag(source.feedback_sent));
}

// A client of another org is none: no org's text goes to another's client.
const char* full_query(const BookingSource& source) {
  return psprintf(
      "SELECT %s, b.%s::text, c.%s IS NOT NULL, c.%s::text, c.%s::text, o.%s::text FROM %s b"
      " LEFT JOIN %s c ON c.%s OPERATOR(pg_catalog.=) b.%s AND c.%s OPERATOR(pg_catalog.=) b.%s"
      " LEFT JOIN %s o ON o.%s OPERATOR(pg_catalog.=) b.%s"
      " WHERE b.%s OPERATOR(pg_catalog.=) ANY ($3)",
      narrow_columns(source), source.location, source.client_key, source.full_name, source.phone,
      source.org_name, source.bookings_name, source.clients_name, source.client_key,
      source.client_id, source.client_org, source.org_id, source.orgs_name, source.org_key,
      source.org_id, source.id);
}

// Without clients and orgs; a branch for each range, so that an index on each column serves.
const char* range_query(const BookingSource& source) {
  const char* select = psprintf(
      "SELECT %s, NULL::text, NULL::boolean, NULL::text, NULL::text, NULL::text FROM %s b WHERE",
      narrow_columns(source), source.bookings_name);
  return psprintf(
      "%s b.%s OPERATOR(pg_catalog.>) $3 AND b.%s OPERATOR(pg_catalog.<=) $4"
      " UNION ALL %s b.%s OPERATOR(pg_catalog.>) $5 AND b.%s OPERATOR(pg_catalog.<=) $6"
      " UNION ALL %s b.%s OPERATOR(pg_catalog.=) ANY ($7)",
      select, source.start_time, source.start_time, select, source.end_time, source.end_time,
      select, source.id);
}

void return_rows(ReturnSetInfo* result) {
  for (uint64 row = 0; row < SPI_processed; ++row) {
    Datum values[kColumns];
    bool nulls[kColumns];
    for (int column = 0; column < kColumns; ++column)
      values[column] = datum_column(row, column + 1, &nulls[column]);
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
}

pg_uuid_t uuid_of(HeapTuple tuple, TupleDesc columns, const char* name) {
  const int number = SPI_fnumber(columns, name);
  bool is_null = true;
  Datum value = 0;
  if (number > 0 && getBaseType(SPI_gettypeid(columns, number)) == UUIDOID)
    value = SPI_getbinval(tuple, columns, number, &is_null);
  return is_null ? pg_uuid_t{} : *DatumGetUUIDP(value);
}

// Arguments of our triggers.
enum Argument { kKind, kIdColumn, kOrgColumn, kArguments };

// How many bookings a transaction decides itself: 39_booking_schedule.sql says why.
constexpr int kManyAtOnce = 500;

bool is_one_of_many() {
  static FullTransactionId counted_in;
  static int count;
  const FullTransactionId current = GetTopFullTransactionId();
  if (!FullTransactionIdEquals(counted_in, current)) count = 0;
  counted_in = current;
  return ++count > kManyAtOnce;
}

void tell(const char* kind, const pg_uuid_t& id, const pg_uuid_t& org_id) {
  static Statement tell{"SELECT @extschema@.sms_app_changed($1, $2, $3)",
                        {TEXTOID, UUIDOID, UUIDOID}};
  tell.run({CStringGetTextDatum(kind), UUIDPGetDatum(&id), UUIDPGetDatum(&org_id)});
}

void tell_row(HeapTuple tuple, TriggerData* trigger) {
  TupleDesc columns = trigger->tg_relation->rd_att;
  char** arguments = trigger->tg_trigger->tgargs;
  const char* kind = arguments[kKind];
  if (strcmp(kind, "booking") == 0 && is_one_of_many()) {
    if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) return;
    kind = "one of many";
  }
  tell(kind, uuid_of(tuple, columns, arguments[kIdColumn]),
       uuid_of(tuple, columns, arguments[kOrgColumn]));
}

bool same_id(TriggerData* trigger) {
  TupleDesc columns = trigger->tg_relation->rd_att;
  const char* name = trigger->tg_trigger->tgargs[kIdColumn];
  const pg_uuid_t before = uuid_of(trigger->tg_trigtuple, columns, name);
  const pg_uuid_t after = uuid_of(trigger->tg_newtuple, columns, name);
  return memcmp(&before, &after, UUID_LEN) == 0;
}

}  // namespace

// sms_read_bookings(ids uuid[]) → setof sms_booking
Datum coach_sms_read_bookings(PG_FUNCTION_ARGS) {
  static OwnerStatement statement;
  ReturnSetInfo* result = init_materialized_srf(fcinfo);
  use_schema_of(fcinfo);
  BookingSource source;
  SPI_connect();
  if (read_booking_source(&source)) {
    Oid types[] = {TEXTARRAYOID, TEXTARRAYOID, UUIDARRAYOID};
    Datum values[] = {source.confirmed, source.completed, PG_GETARG_DATUM(0)};
    run_as(source, &statement, full_query(source), 3, types, values);
    return_rows(result);
  }
  SPI_finish();
  return Datum{0};
}

// sms_find_bookings(starts_after, starts_until, ends_after, ends_until, ids uuid[]) → setof
// sms_booking
Datum coach_sms_find_bookings(PG_FUNCTION_ARGS) {
  static OwnerStatement statement;
  ReturnSetInfo* result = init_materialized_srf(fcinfo);
  use_schema_of(fcinfo);
  BookingSource source;
  SPI_connect();
  if (read_booking_source(&source)) {
    Oid types[] = {TEXTARRAYOID,   TEXTARRAYOID,   TIMESTAMPTZOID, TIMESTAMPTZOID,
                   TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDARRAYOID};
    Datum values[] = {source.confirmed,   source.completed,   PG_GETARG_DATUM(0),
                      PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
                      PG_GETARG_DATUM(4)};
    run_as(source, &statement, range_query(source), 7, types, values);
    return_rows(result);
  }
  SPI_finish();
  return Datum{0};
}

// sms_mark_booking(booking_id, feedback boolean) → boolean: writes reminder_sent or feedback_sent.
// A row that somebody has locked is passed over.
Datum coach_sms_mark_booking(PG_FUNCTION_ARGS) {
  static OwnerStatement statements[2];
  use_schema_of(fcinfo);
  const bool feedback = PG_GETARG_BOOL(1);
  bool marked = false;
  BookingSource source;
  SPI_connect();
  if (read_booking_source(&source)) {
    const char* flag = feedback ? source.feedback_sent : source.reminder_sent;
    if (flag != nullptr) {
      Oid types[] = {UUIDOID};
      Datum values[] = {PG_GETARG_DATUM(0)};
      const char* sql = psprintf(
          "WITH open AS (SELECT b.%s AS id FROM %s b WHERE b.%s OPERATOR(pg_catalog.=) $1"
          " AND b.%s IS NOT TRUE FOR UPDATE SKIP LOCKED)"
          " UPDATE %s b SET %s = true FROM open WHERE b.%s OPERATOR(pg_catalog.=) open.id",
          source.id, source.bookings_name, source.id, flag, source.bookings_name, flag, source.id);
      run_as(source, &statements[feedback ? 1 : 0], sql, 1, types, values);
      marked = SPI_processed > 0;
    }
  }
  SPI_finish();
  PG_RETURN_BOOL(marked);
}

Datum coach_sms_may_decide_another(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_BOOL(!is_one_of_many());
}

// AFTER trigger on bookings, clients and orgs; its arguments are which of them, and their names of
// id and org_id. The row itself is read again by whoever decides, as the bookings' owner: none of
// its other values is looked at with our rights.
Datum coach_sms_booking_trigger(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  const bool is_ours =
      TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
      (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) && trigger->tg_trigger->tgnargs == kArguments);
  if (!is_ours) elog(ERROR, "a trigger function of sms_attach_bookings() was used by hand");
  use_schema_of(fcinfo);
  SPI_connect();
  if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)) {
    tell("truncate", pg_uuid_t{}, pg_uuid_t{});
  } else {
    tell_row(trigger->tg_trigtuple, trigger);
    if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && !same_id(trigger))
      tell_row(trigger->tg_newtuple, trigger);
  }
  SPI_finish();
  return PointerGetDatum(nullptr);
}
