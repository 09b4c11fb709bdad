#include "pg/base/cpp_boundary.hpp"

#include "pg/base/security_context.hpp"
#include "pg/base/soft_input.hpp"
#include "pg/base/statement.hpp"
#include "pg/enqueue/enqueue.hpp"

#include "pg/base/pg_api.hpp"

// sms_enqueue_batch(): an array of messages, each a JSON object whose keys are the arguments of
// sms_enqueue(). Good ones go in, bad ones are reported.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_enqueue_batch);
}

using namespace coach_sms;

namespace {

struct BatchRow : MessageRequest {
  bool has_org_id;
};

// An argument, and where it goes: exactly one of the targets is set.
struct Field {
  const char* name;
  const char* BatchRow::*as_text = nullptr;
  Jsonb* BatchRow::*as_object = nullptr;
  pg_uuid_t BatchRow::*as_uuid = nullptr;
  TimestampTz BatchRow::*as_time = nullptr;
  int16 BatchRow::*as_number = nullptr;
  bool BatchRow::*given = nullptr;
};

constexpr Field kFields[] = {
    {.name = "org_id", .as_uuid = &BatchRow::org_id, .given = &BatchRow::has_org_id},
    {.name = "client_id", .as_uuid = &BatchRow::client_id, .given = &BatchRow::has_client_id},
    {.name = "to_phone", .as_text = &BatchRow::to_phone},
    {.name = "template_key", .as_text = &BatchRow::template_key},
    {.name = "variables", .as_object = &BatchRow::variables},
    {.name = "body", .as_text = &BatchRow::body},
    {.name = "scheduled_for",
     .as_time = &BatchRow::scheduled_for,
     .given = &BatchRow::has_scheduled_for},
    {.name = "expires_at", .as_time = &BatchRow::expires_at, .given = &BatchRow::has_expires_at},
    {.name = "related_entity_type", .as_text = &BatchRow::related_entity_type},
    {.name = "related_entity_id",
     .as_uuid = &BatchRow::related_entity_id,
     .given = &BatchRow::has_related_entity_id},
    {.name = "idempotency_key", .as_text = &BatchRow::idempotency_key},
    {.name = "priority", .as_number = &BatchRow::priority},
    {.name = "metadata", .as_object = &BatchRow::metadata},
};

const char* to_cstring(const JsonbValue& value) {
  return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
}

const Field* find_field(const char* name) {
  for (const Field& field : kFields)
    if (strcmp(field.name, name) == 0) return &field;
  return nullptr;
}

bool refuse_type(const Field& field, int sqlstate, const char* wanted, Failure* failure) {
  fail(failure, sqlstate, "", "", "%s is not %s", field.name, wanted);
  return false;
}

bool refuse_value(const Field& field, int sqlstate, const char* wanted, const char* value,
                  Failure* failure) {
  fail(failure, sqlstate, "", "", "%s \"%s\" is not %s", field.name, clipped(value, 100), wanted);
  return false;
}

bool read_object(const Field& field, JsonbValue* value, BatchRow* row, Failure* failure) {
  if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
    return refuse_type(field, kBadVariables, "a JSON object", failure);
  row->*field.as_object = JsonbValueToJsonb(value);
  return true;
}

bool read_number(const Field& field, const JsonbValue& value, BatchRow* row, Failure* failure) {
  if (value.type != jbvNumeric) return refuse_type(field, kBadArgument, "a number", failure);
  const char* digits =
      DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
  return parse_smallint(digits, &(row->*field.as_number)) ||
         refuse_value(field, kBadArgument, "a whole number from -32768 to 32767", digits, failure);
}

bool read_string(const Field& field, const JsonbValue& value, BatchRow* row, Failure* failure) {
  if (value.type != jbvString) return refuse_type(field, kBadArgument, "a JSON string", failure);
  const char* string = to_cstring(value);
  if (field.as_text != nullptr) row->*field.as_text = string;
  if (field.as_uuid != nullptr && !parse_uuid(string, &(row->*field.as_uuid)))
    return refuse_value(field, kBadArgument, "a UUID", string, failure);
  if (field.as_time != nullptr && !parse_timestamptz(string, &(row->*field.as_time)))
    return refuse_value(field, kBadTime, "a time", string, failure);
  return true;
}

// JSON null is "not given".
bool read_field(const Field& field, JsonbValue* value, BatchRow* row, Failure* failure) {
  if (value->type == jbvNull) return true;
  if (field.given != nullptr) row->*field.given = true;
  if (field.as_object != nullptr) return read_object(field, value, row, failure);
  if (field.as_number != nullptr) return read_number(field, *value, row, failure);
  return read_string(field, *value, row, failure);
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
    const Field* field = find_field(name);
    JsonbIteratorNext(&keys, &item, true);  // the key's value
    if (field == nullptr) {
      fail(failure, kBadArgument, "", "", "unknown argument \"%s\"", clipped(name, 100));
      return false;
    }
    if (!read_field(*field, &item, row, failure)) return false;
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

// SPI's memory, and so everything that this row needed, is freed with SPI_finish.
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

// sms_enqueue_batch(messages jsonb) → (ordinal, message_id, error_code, error_message)
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
