#include "pg/messages/queue_row.hpp"

#include "pg/tables/definitions.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_zone_of);
}

namespace coach_sms {

namespace {

// Characters. No real name is longer, and the index has a limit.
constexpr int kLongestZone = 64;

const JsonbValue* find_key(Jsonb* object, const char* key, JsonbValue* value) {
  return getKeyJsonValueFromContainer(&object->root, key, static_cast<int>(strlen(key)), value);
}

const char* text_of(JsonbValue& value) {
  Jsonb* json = JsonbValueToJsonb(&value);
  return JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json)));
}

}  // namespace

const char* zone_of(Jsonb* metadata) {
  JsonbValue value;
  if (metadata == nullptr) return "";
  if (find_key(metadata, "quiet_hours_override", &value) != nullptr && value.type == jbvBool &&
      value.val.boolean)
    return "*";
  if (find_key(metadata, "timezone", &value) == nullptr || value.type == jbvNull) return "";
  const char* name = value.type == jbvString
                         ? pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len))
                         : text_of(value);
  return pnstrdup(name, pg_mbcharcliplen(name, static_cast<int>(strlen(name)), kLongestZone));
}

void insert_queue_row(const QueueRow& row, Table* table) {
  table->begin_row();
  table->set(queue::kMessageId, Parameter(row.message_id));
  table->set(queue::kOrgId, Parameter(row.org_id));
  table->set(queue::kZone, Parameter(row.zone));
  table->set(queue::kPriority, Parameter(row.priority));
  table->set(queue::kFailures, Parameter(row.failures));
  table->set(queue::kDueAt, Parameter(row.due_at));
  table->set(queue::kExpiresAt, Parameter(row.expires_at, row.has_expires_at));
  table->set(queue::kHeldFor, Parameter(row.held_for));
  table->insert();
}

void insert_queue_row(const QueueRow& row, Command* command) {
  Table table;
  table.open(&queue::table, TableUse::kWrite, command);
  insert_queue_row(row, &table);
  table.close();
}

}  // namespace coach_sms

using namespace coach_sms;

// sms_zone_of(metadata jsonb) → text
Datum coach_sms_zone_of(PG_FUNCTION_ARGS) {
  Jsonb* metadata = PG_ARGISNULL(0) ? nullptr : PG_GETARG_JSONB_P(0);
  PG_RETURN_TEXT_P(cstring_to_text(zone_of(metadata)));
}
