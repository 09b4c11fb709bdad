#include "pg/base/cpp_boundary.hpp"

#include "pg/base/security_context.hpp"
#include "pg/base/statement.hpp"
#include "pg/enqueue/enqueue.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_enqueue);
}

using namespace coach_sms;

namespace {

const char* text_argument(FunctionCallInfo fcinfo, int index) {
  return PG_ARGISNULL(index) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(index));
}

pg_uuid_t uuid_argument(FunctionCallInfo fcinfo, int index) {
  return PG_ARGISNULL(index) ? pg_uuid_t{} : *PG_GETARG_UUID_P(index);
}

Jsonb* jsonb_argument(FunctionCallInfo fcinfo, int index) {
  return PG_ARGISNULL(index) ? nullptr : PG_GETARG_JSONB_P(index);
}

// Returns the priority. The argument is an integer, so that -1 needs no cast. Raises SM015 for a
// number beyond smallint.
int16 priority_argument(FunctionCallInfo fcinfo, int index) {
  const int32 priority = PG_ARGISNULL(index) ? 0 : PG_GETARG_INT32(index);
  if (priority < PG_INT16_MIN || priority > PG_INT16_MAX)
    ereport(ERROR, (errcode(kBadArgument), errmsg("priority %d is out of range", priority),
                    errdetail("A priority is a whole number from -32768 to 32767."),
                    errhint("Lower goes first; leave it out for 0.")));
  return static_cast<int16>(priority);
}

}  // namespace

// sms_enqueue(org_id, client_id, to_phone, template_key, variables, body, scheduled_for,
// expires_at, related_entity_type, related_entity_id, idempotency_key, priority, metadata) → uuid:
// the message's id
Datum coach_sms_enqueue(PG_FUNCTION_ARGS) {
  require_org(!PG_ARGISNULL(0));
  use_schema_of(fcinfo);
  MessageRequest wanted{};
  wanted.role = GetUserId();
  wanted.org_id = uuid_argument(fcinfo, 0);
  wanted.has_client_id = !PG_ARGISNULL(1);
  wanted.client_id = uuid_argument(fcinfo, 1);
  wanted.to_phone = text_argument(fcinfo, 2);
  wanted.template_key = text_argument(fcinfo, 3);
  wanted.variables = jsonb_argument(fcinfo, 4);
  wanted.body = text_argument(fcinfo, 5);
  wanted.has_scheduled_for = !PG_ARGISNULL(6);
  wanted.scheduled_for = PG_ARGISNULL(6) ? 0 : PG_GETARG_TIMESTAMPTZ(6);
  wanted.has_expires_at = !PG_ARGISNULL(7);
  wanted.expires_at = PG_ARGISNULL(7) ? 0 : PG_GETARG_TIMESTAMPTZ(7);
  wanted.related_entity_type = text_argument(fcinfo, 8);
  wanted.has_related_entity_id = !PG_ARGISNULL(9);
  wanted.related_entity_id = uuid_argument(fcinfo, 9);
  wanted.idempotency_key = text_argument(fcinfo, 10);
  wanted.priority = priority_argument(fcinfo, 11);
  wanted.metadata = jsonb_argument(fcinfo, 12);
  require_object(wanted.variables, "variables");
  require_object(wanted.metadata, "metadata");

  const SecurityContext caller = switch_to(owner_role());
  SPI_connect();
  Failure failure;
  pg_uuid_t id{};
  enqueue(wanted, &id, &failure);
  raise_if(failure);
  SPI_finish();
  restore_context(caller);
  auto* result = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  *result = id;
  PG_RETURN_UUID_P(result);
}
