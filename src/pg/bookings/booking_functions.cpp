#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/bookings/booking_source.hpp"
#include "pg/bookings/booking_statement.hpp"

// Functions that read and mark the application's bookings, as their owner. Text of others enters
// these statements only as quoted names and as parameters.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_read_bookings);
PG_FUNCTION_INFO_V1(coach_sms_find_bookings);
PG_FUNCTION_INFO_V1(coach_sms_mark_booking);
}

using namespace coach_sms;

namespace {

constexpr int kColumns = 14;  // of the type sms_booking

// Returns the columns that the bookings table alone gives. $1 and $2 are the words of the status.
const char* narrow_columns(const BookingSource& source) {
  auto flag = [](const char* column) {
    return column == nullptr ? "false" : psprintf("coalesce(b.%s, false)", column);
  };
  // Times are clamped: if arithmetic with one booking's time overflowed, it would stop all other
  // bookings.
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

const char* client_column(const char* name) {
  return name == nullptr ? "NULL::text" : psprintf("c.%s::text", name);
}

// Returns the query for all columns, by booking id. A client of another org does not count: no
// org's text goes to another org's client.
const char* full_query(const BookingSource& source) {
  return psprintf(
      "SELECT %s, b.%s::text, c.%s IS NOT NULL, %s, c.%s::text, o.%s::text, %s FROM %s b"
      " LEFT JOIN %s c ON c.%s OPERATOR(pg_catalog.=) b.%s AND c.%s OPERATOR(pg_catalog.=) b.%s"
      " LEFT JOIN %s o ON o.%s OPERATOR(pg_catalog.=) b.%s"
      " WHERE b.%s OPERATOR(pg_catalog.=) ANY ($3)",
      narrow_columns(source), source.location, source.client_key, client_column(source.full_name),
      source.phone, source.org_name, client_column(source.first_name), source.bookings_name,
      source.clients_name, source.client_key, source.client_id, source.client_org, source.org_id,
      source.orgs_name, source.org_key, source.org_id, source.id);
}

// Returns the query without clients and orgs, for the org $8 or for all orgs. Each range has a
// branch, so that an index on each column serves.
const char* range_query(const BookingSource& source, bool of_one_org) {
  const char* select = psprintf(
      "SELECT %s, NULL::text, NULL::boolean, NULL::text, NULL::text, NULL::text, NULL::text"
      " FROM %s b WHERE%s",
      narrow_columns(source), source.bookings_name,
      of_one_org ? psprintf(" b.%s OPERATOR(pg_catalog.=) $8 AND", source.org_id) : "");
  return psprintf(
      "%s b.%s OPERATOR(pg_catalog.>) $3 AND b.%s OPERATOR(pg_catalog.<=) $4"
      " UNION ALL %s b.%s OPERATOR(pg_catalog.>) $5 AND b.%s OPERATOR(pg_catalog.<=) $6"
      " UNION ALL %s b.%s OPERATOR(pg_catalog.=) ANY ($7)",
      select, source.start_time, source.start_time, select, source.end_time, source.end_time,
      select, source.id);
}

// Returns whether one of the first arguments is NULL.
bool lacks_any(FunctionCallInfo fcinfo, int count) {
  for (int i = 0; i < count; ++i)
    if (PG_ARGISNULL(i)) return true;
  return false;
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

}  // namespace

// sms_read_bookings(ids uuid[]) → setof sms_booking: with client and org
Datum coach_sms_read_bookings(PG_FUNCTION_ARGS) {
  static BookingStatement statement;
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

// sms_find_bookings(starts_after, starts_until, ends_after, ends_until, ids uuid[], of_org uuid) →
// setof sms_booking: those that start or end in the range, or have one of the ids; of one org or,
// for NULL, of all; without client and org. None where another argument is NULL.
Datum coach_sms_find_bookings(PG_FUNCTION_ARGS) {
  static BookingStatement statements[2];
  const bool of_one_org = PG_NARGS() > 5 && !PG_ARGISNULL(5);  // 0.1.0 has no sixth argument
  ReturnSetInfo* result = init_materialized_srf(fcinfo);
  if (lacks_any(fcinfo, 5)) return Datum{0};
  use_schema_of(fcinfo);
  BookingSource source;
  SPI_connect();
  if (read_booking_source(&source)) {
    Oid types[] = {TEXTARRAYOID,   TEXTARRAYOID,   TIMESTAMPTZOID, TIMESTAMPTZOID,
                   TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDARRAYOID,   UUIDOID};
    Datum values[] = {source.confirmed,   source.completed,
                      PG_GETARG_DATUM(0), PG_GETARG_DATUM(1),
                      PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
                      PG_GETARG_DATUM(4), of_one_org ? PG_GETARG_DATUM(5) : 0};
    run_as(source, &statements[of_one_org ? 1 : 0], range_query(source, of_one_org),
           of_one_org ? 8 : 7, types, values);
    return_rows(result);
  }
  SPI_finish();
  return Datum{0};
}

// sms_mark_booking(booking_id, feedback boolean) → boolean: writes reminder_sent or feedback_sent;
// whether it did. Skips a locked row.
Datum coach_sms_mark_booking(PG_FUNCTION_ARGS) {
  static BookingStatement statements[2];
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
