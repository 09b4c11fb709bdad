#include "pg/base/cpp_boundary.hpp"

#include "pg/base/extension.hpp"
#include "pg/base/security_context.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/consent/suppression.hpp"
#include "pg/enqueue/enqueue.hpp"
#include "pg/messages/queue_row.hpp"
#include "pg/shared/commit_signals.hpp"

// The triggers that make a plain INSERT into sms_messages work like sms_enqueue().

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_complete_message);
PG_FUNCTION_INFO_V1(coach_sms_queue_message);
PG_FUNCTION_INFO_V1(coach_sms_pass_over);
}

using namespace coach_sms;

namespace {

// The row for which a trigger was fired, by the names of its columns.
struct TriggerRow {
  Relation relation;
  HeapTuple tuple;
  TupleDesc columns;

  bool has(const char* name) const {
    bool is_null;
    get(name, &is_null);
    return !is_null;
  }

  Datum get(const char* name, bool* is_null) const {
    const int number = SPI_fnumber(columns, name);
    if (number <= 0) elog(ERROR, "sms_messages has no column \"%s\"", name);
    return SPI_getbinval(tuple, columns, number, is_null);
  }
  const char* get_text(const char* name) const {
    bool is_null;
    Datum value = get(name, &is_null);
    return is_null ? nullptr : TextDatumGetCString(value);
  }
  pg_uuid_t get_uuid(const char* name, bool* given) const {
    bool is_null;
    Datum value = get(name, &is_null);
    *given = !is_null;
    return is_null ? pg_uuid_t{} : *DatumGetUUIDP(value);
  }
  TimestampTz get_time(const char* name, bool* given) const {
    bool is_null;
    Datum value = get(name, &is_null);
    *given = !is_null;
    return is_null ? 0 : DatumGetTimestampTz(value);
  }
  Jsonb* get_jsonb(const char* name) const {
    bool is_null;
    Datum value = get(name, &is_null);
    return is_null ? nullptr : DatumGetJsonbP(value);
  }
};

TriggerRow inserted_row(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
      RelationGetNamespace(trigger->tg_relation) != extension_schema_of(fcinfo))
    elog(ERROR, "a trigger function of sms_messages was put on something else");
  return {trigger->tg_relation, trigger->tg_trigtuple, trigger->tg_relation->rd_att};
}

// Reads the request. A row may name a template and also bring the text that its caller rendered.
// The text then counts.
MessageRequest read_message(const TriggerRow& row) {
  MessageRequest wanted{};
  bool has_org;
  wanted.org_id = row.get_uuid("org_id", &has_org);
  require_org(has_org);
  wanted.client_id = row.get_uuid("client_id", &wanted.has_client_id);
  wanted.to_phone = row.get_text("to_phone");
  wanted.from_phone = row.get_text("from_phone");
  wanted.body = row.get_text("body");
  wanted.template_key = wanted.body == nullptr ? row.get_text("template_key") : nullptr;
  wanted.variables = row.get_jsonb("variables");
  wanted.scheduled_for = row.get_time("scheduled_for", &wanted.has_scheduled_for);
  wanted.expires_at = row.get_time("expires_at", &wanted.has_expires_at);
  wanted.idempotency_key = row.get_text("idempotency_key");
  wanted.metadata = row.get_jsonb("metadata");
  require_object(wanted.variables, "variables");
  require_object(wanted.metadata, "metadata");
  return wanted;
}

bool is_waiting(const char* status) {
  return strcmp(status, "queued") == 0 || strcmp(status, "pending") == 0;
}

void refuse_status(const TriggerRow& row) {
  const char* status = row.get_text("status");
  if (status == nullptr || is_waiting(status)) return;
  ereport(ERROR,
          (errcode(kWrongState), errmsg("a message cannot be inserted as \"%s\"", status),
           errdetail("A new message is pending or queued; coach_sms writes every other status."),
           errhint("Leave status out.")));
}

void refuse_suppressed(const MessageRequest& wanted, const PreparedMessage& ready) {
  const char* from_phone =
      ready.from_phone != nullptr ? text_to_cstring(ready.from_phone) : nullptr;
  Command command;
  command.begin();
  const bool suppressed = is_suppressed(wanted.org_id, from_phone, ready.to_phone, &command);
  command.end();
  if (!suppressed) return;
  Failure failure;
  fail_suppressed(wanted, ready, &failure);
  raise_if(failure);
}

// Raises a unique violation for a key whose message was pruned, as the unique index does for other
// keys.
void refuse_pruned_key(const MessageRequest& wanted) {
  static Statement find{
      "SELECT message_id FROM @extschema@.sms_idempotency_keys"
      " WHERE org_id = $1 AND idempotency_key = $2",
      {UUIDOID, TEXTOID}};
  if (wanted.idempotency_key == nullptr || find.run(wanted.org_id, wanted.idempotency_key) == 0)
    return;
  const pg_uuid_t message_id = uuid_column(0, 1);
  ereport(
      ERROR,
      (errcode(ERRCODE_UNIQUE_VIOLATION),
       errmsg("idempotency key \"%s\" was used before", clipped(wanted.idempotency_key, 100)),
       errdetail("Its message %s was pruned (sms_settings.retention_days).", uuid_text(message_id)),
       errhint("Call sms_enqueue(), which returns that id, or use a key of its own.")));
}

// Returns the user's row with the columns that the checks worked out.
HeapTuple completed(const TriggerRow& row, const PreparedMessage& ready) {
  constexpr int kColumns = 12;
  static const char* const names[kColumns] = {
      "to_phone",      "template_id", "body",         "encoding",   "segments",   "sandbox",
      "scheduled_for", "status",      "payload_hash", "created_at", "updated_at", "from_phone"};
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  bool no_template;
  Datum template_id = row.get("template_id", &no_template);
  if (ready.has_template_id) template_id = UUIDPGetDatum(&ready.template_id);
  Datum values[kColumns] = {PointerGetDatum(ready.to_phone),
                            template_id,
                            PointerGetDatum(ready.body),
                            CStringGetTextDatum(ready.encoding),
                            Int32GetDatum(ready.segments),
                            BoolGetDatum(ready.sandbox),
                            TimestampTzGetDatum(ready.scheduled_for),
                            CStringGetTextDatum(ready.due_at > now ? "pending" : "queued"),
                            PointerGetDatum(ready.payload_hash),
                            TimestampTzGetDatum(now),
                            TimestampTzGetDatum(now),
                            PointerGetDatum(ready.from_phone)};
  bool nulls[kColumns] = {};
  nulls[1] = no_template && !ready.has_template_id;
  nulls[8] = ready.payload_hash == nullptr;
  nulls[11] = ready.from_phone == nullptr;
  int numbers[kColumns];
  for (int column = 0; column < kColumns; ++column)
    numbers[column] = SPI_fnumber(row.columns, names[column]);
  return heap_modify_tuple_by_cols(row.tuple, row.columns, kColumns, numbers, values, nulls);
}

}  // namespace

// BEFORE INSERT on sms_messages: checks and completes rows without a segment count. Rows of store()
// and of a restore bring one.
Datum coach_sms_complete_message(PG_FUNCTION_ARGS) {
  const TriggerRow row = inserted_row(fcinfo);
  bool has_id;
  if (is_storing(row.get_uuid("id", &has_id)) || row.has("segments"))
    return PointerGetDatum(row.tuple);
  use_schema_of(fcinfo);
  const Oid role = GetUserId();
  const SecurityContext caller = switch_to_owner_of(row.relation);
  refuse_status(row);
  MessageRequest wanted = read_message(row);
  wanted.role = role;
  MemoryContext context = CurrentMemoryContext;
  SPI_connect();
  MemoryContextSwitchTo(context);  // the row must outlive SPI_finish
  PreparedMessage ready;
  Failure failure;
  if (may_send(wanted, &failure)) prepare_message(wanted, &ready, &failure);
  raise_if(failure);
  refuse_suppressed(wanted, ready);
  refuse_pruned_key(wanted);
  HeapTuple result = completed(row, ready);
  SPI_finish();
  restore_context(caller);
  return PointerGetDatum(result);
}

// AFTER INSERT on sms_messages: queues waiting rows that this transaction created. store() has
// queued its own, and restored rows wait for sms_go_live() or sms_go_sandbox().
Datum coach_sms_queue_message(PG_FUNCTION_ARGS) {
  const TriggerRow row = inserted_row(fcinfo);
  bool given;
  const pg_uuid_t id = row.get_uuid("id", &given);
  if (is_storing(id) ||
      row.get_time("created_at", &given) != GetCurrentTransactionStartTimestamp() ||
      !is_waiting(row.get_text("status")))
    return Datum{0};
  use_schema_of(fcinfo);
  const SecurityContext caller = switch_to_owner_of(row.relation);
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  const TimestampTz scheduled_for = row.get_time("scheduled_for", &given);
  QueueRow queued{};
  queued.message_id = id;
  queued.org_id = row.get_uuid("org_id", &given);
  queued.zone = zone_of(row.get_jsonb("metadata"));
  queued.priority = DatumGetInt16(row.get("priority", &given));
  queued.due_at = scheduled_for > now ? scheduled_for : now;
  queued.expires_at = row.get_time("expires_at", &queued.has_expires_at);
  Command command;
  command.begin();
  insert_queue_row(queued, &command);
  command.end();
  wake_note(&queued.org_id, queued.zone, queued.priority, scheduled_for);
  restore_context(caller);
  return Datum{0};
}

// Replica trigger on the queue and the in-flight table: skips rows that a logical replication
// worker applies, since they belong to the publisher. A session that sets session_replication_role
// itself does not count.
Datum coach_sms_pass_over(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  return IsLogicalWorker() ? Datum{0} : PointerGetDatum(trigger->tg_trigtuple);
}
