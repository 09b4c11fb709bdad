#include "pg/sandbox_delivery.hpp"

#include "pg/delivery.hpp"

namespace coach_sms {

namespace {

struct Delivery {
  pg_uuid_t org_id;
  pg_uuid_t message_id;
  char sid[40];
};

Delivery* deliveries = nullptr;
int waiting = 0;
int capacity = 0;

void grow() {
  capacity = capacity == 0 ? 256 : capacity * 2;
  const Size size = sizeof(Delivery) * static_cast<Size>(capacity);
  deliveries =
      static_cast<Delivery*>(deliveries == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                   : repalloc(deliveries, size));
}

}  // namespace

void note_sandbox_deliveries(const FinishedRow* rows, int count) {
  for (int i = 0; i < count; ++i) {
    if (!rows[i].sandbox || rows[i].outcome != Outcome::kAccepted || !rows[i].settled.recorded)
      continue;
    if (waiting == capacity) grow();
    Delivery& delivery = deliveries[waiting++];
    delivery.org_id = rows[i].settled.org_id;
    delivery.message_id = rows[i].settled.message_id;
    strlcpy(delivery.sid, rows[i].settled.sid, sizeof delivery.sid);
  }
}

bool has_sandbox_deliveries() {
  return waiting > 0;
}

void deliver_in_sandbox() {
  for (int i = 0; i < waiting; ++i) {
    Event event{};
    event.has_message = true;
    event.message_id = deliveries[i].message_id;
    event.org_id = deliveries[i].org_id;
    event.provider = "sandbox";
    event.sid = deliveries[i].sid;
    event.type = "status";
    event.status = "delivered";
    event.dedupe_key = psprintf("%s:delivered", deliveries[i].sid);
    pg_uuid_t id;
    if (store_event(event, &id)) apply_event(id);
  }
  waiting = 0;
}

}  // namespace coach_sms
