#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"

// The trigger on the application's bookings, clients and orgs.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_booking_trigger);
PG_FUNCTION_INFO_V1(coach_sms_may_decide_another);
PG_FUNCTION_INFO_V1(coach_sms_may_wait);
PG_FUNCTION_INFO_V1(coach_sms_wait_no_more);
}

using namespace coach_sms;

namespace {

// Returns the column's uuid; all zero where it is NULL, or no longer a uuid.
pg_uuid_t uuid_of(HeapTuple tuple, TupleDesc columns, const char* name) {
  const int number = SPI_fnumber(columns, name);
  bool is_null = true;
  Datum value = 0;
  if (number > 0 && getBaseType(SPI_gettypeid(columns, number)) == UUIDOID)
    value = SPI_getbinval(tuple, columns, number, &is_null);
  return is_null ? pg_uuid_t{} : *DatumGetUUIDP(value);
}

// The transaction that waited for a lock without success. It waits no more.
FullTransactionId gave_up_waiting;

// The arguments of the extension's triggers on the application's tables.
enum Argument { kKind, kIdColumn, kOrgColumn, kArguments };

// The number of bookings that a transaction decides itself: 50_bookings/60_on_change.sql has the
// reason.
constexpr int kManyAtOnce = 500;

// Counts a booking. Returns whether the transaction has more than kManyAtOnce by now.
bool is_one_of_many() {
  static FullTransactionId counted_in;
  static int count;
  const FullTransactionId current = GetTopFullTransactionId();
  if (!FullTransactionIdEquals(counted_in, current)) count = 0;
  counted_in = current;
  return ++count > kManyAtOnce;
}

// The functions below call SQL functions that the previous version has too. So the application's
// triggers work with a new library also before ALTER EXTENSION UPDATE.

void decide_booking(const pg_uuid_t& id, const pg_uuid_t& org_id) {
  static Statement run{"SELECT @internal@.sms_booking_changed($1, $2)", {UUIDOID, UUIDOID}};
  run.run(id, org_id);
}

void keep_back_texts(const pg_uuid_t& id) {
  static Statement run{"SELECT @internal@.sms_keep_back_texts(ARRAY[$1])", {UUIDOID}};
  run.run(id);
}

void leave_to_pass(const pg_uuid_t& id, const pg_uuid_t& org_id) {
  static Statement run{"SELECT @internal@.sms_try_leave_to_pass($1, $2, $3, $4)",
                       {UUIDOID, UUIDOID, TEXTOID, TEXTOID}};
  run.run(id, org_id, "many_at_once", "many bookings were changed in one transaction");
}

void decide_others(const char* kind, const pg_uuid_t& id, const pg_uuid_t& org_id) {
  static Statement run{"SELECT @internal@.sms_app_changed($1, $2, $3)",
                       {TEXTOID, UUIDOID, UUIDOID}};
  run.run(kind, id, org_id);
}

void row_changed(HeapTuple tuple, TriggerData* trigger) {
  TupleDesc columns = trigger->tg_relation->rd_att;
  char** arguments = trigger->tg_trigger->tgargs;
  const pg_uuid_t id = uuid_of(tuple, columns, arguments[kIdColumn]);
  const pg_uuid_t org_id = uuid_of(tuple, columns, arguments[kOrgColumn]);
  if (strcmp(arguments[kKind], "booking") != 0)
    decide_others(arguments[kKind], id, org_id);
  else if (!is_one_of_many())
    decide_booking(id, org_id);
  else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
    keep_back_texts(id);
  else
    leave_to_pass(id, org_id);
}

bool same_id(TriggerData* trigger) {
  TupleDesc columns = trigger->tg_relation->rd_att;
  const char* name = trigger->tg_trigger->tgargs[kIdColumn];
  const pg_uuid_t before = uuid_of(trigger->tg_trigtuple, columns, name);
  const pg_uuid_t after = uuid_of(trigger->tg_newtuple, columns, name);
  return memcmp(&before, &after, UUID_LEN) == 0;
}

}  // namespace

Datum coach_sms_may_decide_another(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_BOOL(!is_one_of_many());
}

Datum coach_sms_may_wait(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_BOOL(!FullTransactionIdEquals(gave_up_waiting, GetTopFullTransactionId()));
}

Datum coach_sms_wait_no_more(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  gave_up_waiting = GetTopFullTransactionId();
  PG_RETURN_VOID();
}

// AFTER trigger on bookings, clients and orgs. Its arguments are the kind of table and the names of
// its id and org_id columns. The deciding function reads the row again as the bookings' owner. The
// trigger reads no other value of it with our rights.
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
    decide_others("truncate", pg_uuid_t{}, pg_uuid_t{});
  } else {
    row_changed(trigger->tg_trigtuple, trigger);
    if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && !same_id(trigger))
      row_changed(trigger->tg_newtuple, trigger);
  }
  SPI_finish();
  return Datum{0};
}
