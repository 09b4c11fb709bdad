#include "pg/base/cpp_boundary.hpp"

#include "pg/base/security_context.hpp"
#include "pg/base/soft_input.hpp"
#include "pg/base/statement.hpp"
#include "pg/enqueue/enqueue.hpp"

#include "pg/base/pg_api.hpp"

// sms_enqueue_batch() takes an array of messages. Each is a JSON object whose keys are the
// arguments of sms_enqueue(). Good messages are enqueued, and wrong ones reported.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_enqueue_batch);
}

using namespace coach_sms;

namespace {

struct BatchRow : MessageRequest {
  bool has_org_id;
};

const char* to_cstring(const JsonbValue& value) {
  return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
}

// One key and its value, and the `failure` of its row. Each read() fills `failure` and returns
// false where the value has another type.
struct Argument {
  const char* name;
  JsonbValue* value;
  Failure* failure;

  bool refuse_type(int sqlstate, const char* wanted) const {
    fail(failure, sqlstate, "", "", "%s is not %s", name, wanted);
    return false;
  }

  bool refuse_value(int sqlstate, const char* wanted, const char* text) const {
    fail(failure, sqlstate, "", "", "%s \"%s\" is not %s", name, clipped(text, 100), wanted);
    return false;
  }

  bool read(const char** text) const {
    if (value->type != jbvString) return refuse_type(kBadArgument, "a JSON string");
    *text = to_cstring(*value);
    return true;
  }

  bool read(pg_uuid_t* id, bool* given) const {
    const char* text;
    *given = true;
    return read(&text) && (parse_uuid(text, id) || refuse_value(kBadArgument, "a UUID", text));
  }

  bool read(TimestampTz* time, bool* given) const {
    const char* text;
    *given = true;
    return read(&text) && (parse_timestamptz(text, time) || refuse_value(kBadTime, "a time", text));
  }

  bool read(Jsonb** object) const {
    if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
      return refuse_type(kBadVariables, "a JSON object");
    *object = JsonbValueToJsonb(value);
    return true;
  }

  bool read(int16* number) const {
    if (value->type != jbvNumeric) return refuse_type(kBadArgument, "a number");
    const char* digits =
        DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
    return parse_smallint(digits, number) ||
           refuse_value(kBadArgument, "a whole number from -32768 to 32767", digits);
  }
};

// Reads one argument into the row. JSON null counts as absent.
bool read_argument(const Argument& argument, BatchRow* row) {
  const auto is = [&](const char* name) { return strcmp(argument.name, name) == 0; };
  const bool is_null = argument.value->type == jbvNull;
  const auto read = [&](auto... target) { return is_null || argument.read(target...); };
  if (is("org_id")) return read(&row->org_id, &row->has_org_id);
  if (is("client_id")) return read(&row->client_id, &row->has_client_id);
  if (is("to_phone")) return read(&row->to_phone);
  if (is("template_key")) return read(&row->template_key);
  if (is("variables")) return read(&row->variables);
  if (is("body")) return read(&row->body);
  if (is("scheduled_for")) return read(&row->scheduled_for, &row->has_scheduled_for);
  if (is("expires_at")) return read(&row->expires_at, &row->has_expires_at);
  if (is("related_entity_type")) return read(&row->related_entity_type);
  if (is("related_entity_id")) return read(&row->related_entity_id, &row->has_related_entity_id);
  if (is("idempotency_key")) return read(&row->idempotency_key);
  if (is("priority")) return read(&row->priority);
  if (is("metadata")) return read(&row->metadata);
  fail(argument.failure, kBadArgument, "", "", "unknown argument \"%s\"",
       clipped(argument.name, 100));
  return false;
}

bool read_row(const JsonbValue& element, BatchRow* row, Failure* failure) {
  *row = BatchRow{};
  if (element.type != jbvBinary || !JsonContainerIsObject(element.val.binary.data)) {
    fail(failure, kBadArgument, "", "", "a message is not a JSON object");
    return false;
  }
  JsonbIterator* keys = JsonbIteratorInit(element.val.binary.data);
  JsonbValue item;
  JsonbIteratorToken token;
  while ((token = JsonbIteratorNext(&keys, &item, true)) != WJB_DONE) {
    if (token != WJB_KEY) continue;
    const char* name = to_cstring(item);
    JsonbIteratorNext(&keys, &item, true);  // the key's value
    if (!read_argument({name, &item, failure}, row)) return false;
  }
  if (!row->has_org_id) fail(failure, kUnknownOrg, "", "", "org_id is missing");
  return !failure->failed;
}

void report(ReturnSetInfo* result, int ordinal, const pg_uuid_t& id, const Failure& failure) {
  Datum values[] = {Int32GetDatum(ordinal), UUIDPGetDatum(&id), 0, 0};
  bool nulls[] = {false, failure.failed, !failure.failed, !failure.failed};
  if (failure.failed) {
    values[2] = CStringGetTextDatum(unpack_sql_state(failure.sqlstate));
    values[3] = PointerGetDatum(text_from_utf8(failure.message));
  }
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// Enqueues one message and reports it. SPI_finish() frees SPI's memory, and so all that this row
// needed.
void enqueue_and_report(const JsonbValue& element, int ordinal, Oid role, ReturnSetInfo* result) {
  SPI_connect();
  BatchRow row;
  Failure failure;
  pg_uuid_t id{};
  if (read_row(element, &row, &failure)) {
    row.role = role;
    enqueue(row, &id, &failure);
  }
  report(result, ordinal, id, failure);
  SPI_finish();
}

void require_array(Jsonb* messages) {
  if (JB_ROOT_IS_ARRAY(messages) && !JB_ROOT_IS_SCALAR(messages)) return;
  ereport(
      ERROR,
      (errcode(kBadArgument), errmsg("messages is not a JSON array"),
       errdetail("It must be an array of objects, each with the arguments of sms_enqueue()."),
       errhint("Build it with jsonb_agg(jsonb_build_object('org_id', ..., 'to_phone', ...)).")));
}

}  // namespace

// sms_enqueue_batch(messages jsonb) → setof (ordinal, message_id, error_code, error_message)
Datum coach_sms_enqueue_batch(PG_FUNCTION_ARGS) {
  Jsonb* messages = PG_GETARG_JSONB_P(0);
  require_array(messages);
  use_schema_of(fcinfo);
  ReturnSetInfo* result = init_materialized_srf(fcinfo);
  const Oid role = GetUserId();
  const SecurityContext caller = switch_to(owner_role());
  JsonbIterator* elements = JsonbIteratorInit(&messages->root);
  JsonbValue element;
  JsonbIteratorToken token;
  int ordinal = 0;
  while ((token = JsonbIteratorNext(&elements, &element, true)) != WJB_DONE) {
    if (token != WJB_ELEM) continue;
    CHECK_FOR_INTERRUPTS();
    enqueue_and_report(element, ++ordinal, role, result);
  }
  restore_context(caller);
  return 0;
}
