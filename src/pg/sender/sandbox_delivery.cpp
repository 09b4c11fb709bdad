#include "pg/sender/sandbox_delivery.hpp"

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/messages/provider_events.hpp"

namespace coach_sms {

namespace {

struct Delivery {
  pg_uuid_t org_id;
  pg_uuid_t message_id;
  char sid[40];
};

Delivery* deliveries = nullptr;
int waiting = 0;
int delivering = 0;  // of these, in the step under way
int capacity = 0;

void grow() {
  capacity = capacity == 0 ? 256 : capacity * 2;
  const Size size = sizeof(Delivery) * static_cast<Size>(capacity);
  deliveries =
      static_cast<Delivery*>(deliveries == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                   : repalloc(deliveries, size));
}

void add(const pg_uuid_t& org_id, const pg_uuid_t& message_id, const char* sid) {
  if (waiting == capacity) grow();
  Delivery& delivery = deliveries[waiting++];
  delivery.org_id = org_id;
  delivery.message_id = message_id;
  strlcpy(delivery.sid, sid, sizeof delivery.sid);
}

}  // namespace

void find_sandbox_deliveries() {
  static Statement find{
      R"sql(
      SELECT a.org_id, a.message_id, a.provider_message_id FROM @extschema@.sms_attempts a
        JOIN @extschema@.sms_messages m ON m.id = a.message_id
         AND m.provider_message_id = a.provider_message_id
       WHERE a.id BETWEEN $1 AND 'ffffffff-ffff-ffff-ffff-ffffffffffff'
         AND a.provider = 'sandbox' AND m.status = 'sent')sql",
      {UUIDOID}};
  pg_uuid_t an_hour_ago = new_uuidv7(GetCurrentTimestamp() - USECS_PER_HOUR);
  const uint64 rows = find.run(an_hour_ago);
  for (uint64 row = 0; row < rows; ++row)
    add(uuid_column(row, 1), uuid_column(row, 2), text_column(row, 3));
}

void note_sandbox_deliveries(const AttemptResult* rows, int count) {
  for (int i = 0; i < count; ++i) {
    if (!rows[i].sandbox || rows[i].outcome != Outcome::kAccepted || !rows[i].recorded) continue;
    add(to_pg(rows[i].org), to_pg(rows[i].message), rows[i].sid);
  }
}

bool has_sandbox_deliveries() {
  return waiting > 0;
}

void deliver_in_sandbox() {
  constexpr int kAtOnce = 500;
  delivering = waiting < kAtOnce ? waiting : kAtOnce;
  for (int i = 0; i < delivering; ++i) {
    ProviderEvent event{};
    event.has_message = true;
    event.message_id = deliveries[i].message_id;
    event.org_id = deliveries[i].org_id;
    event.provider = "sandbox";
    event.sid = deliveries[i].sid;
    event.type = "status";
    event.status = "delivered";
    event.dedupe_key = psprintf("%s:delivered", deliveries[i].sid);
    take_event(event);
  }
}

void forget_sandbox_deliveries() {
  waiting -= delivering;
  if (waiting > 0)
    memmove(deliveries, deliveries + delivering, sizeof(Delivery) * static_cast<Size>(waiting));
  delivering = 0;
}

}  // namespace coach_sms
