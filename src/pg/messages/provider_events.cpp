#include "pg/messages/provider_events.hpp"

#include "pg/base/uuids.hpp"
#include "pg/messages/event_effect.hpp"

namespace coach_sms {

namespace {

// Stores the event and gives its id. Returns false if it is stored already.
bool store(const ProviderEvent& event, bool is_processed, Command* command, pg_uuid_t* id) {
  namespace e = events;
  *id = new_uuidv7(GetCurrentTimestamp());
  Table table;
  table.open(&events::table, TableUse::kWrite, command);
  table.begin_row();
  table.set(e::kId, Parameter(*id));
  table.set(e::kMessageId, Parameter(event.message_id, event.has_message));
  table.set(e::kOrgId, Parameter(event.org_id, event.has_message || event.has_org));
  table.set(e::kProvider, Parameter(event.provider));
  table.set(e::kProviderMessageId, Parameter(event.sid));
  table.set(e::kEventType, Parameter(event.type));
  table.set(e::kEventStatus, Parameter(event.status));
  table.set(e::kErrorCode, Parameter(event.error_code));
  table.set(e::kErrorMessage, Parameter(event.error_message));
  if (event.payload != nullptr)
    table.set(e::kEventPayload,
              Parameter(DirectFunctionCall1(jsonb_in, CStringGetDatum(event.payload))));
  table.set(e::kDedupeKey, Parameter(event.dedupe_key));
  if (is_processed) table.set(e::kProcessedAt, Parameter(GetCurrentTransactionStartTimestamp()));
  const bool is_new = table.insert_unless_taken({e::kDedupeKey}, "(dedupe_key)");
  table.close();
  return is_new;
}

bool store_alone(const ProviderEvent& event, bool is_processed, pg_uuid_t* id) {
  Command command;
  command.begin();
  const bool is_new = store(event, is_processed, &command, id);
  command.end();
  return is_new;
}

// Returns the event with nullptr for each empty text.
ProviderEvent without_empty_texts(const ProviderEvent& event) {
  ProviderEvent given = event;
  for (const char** text :
       {&given.provider, &given.sid, &given.type, &given.status, &given.error_code,
        &given.error_message, &given.payload, &given.dedupe_key})
    if (*text != nullptr && (*text)[0] == '\0') *text = nullptr;
  return given;
}

// Stores the event of a message that is locked, once and as processed, and applies it. Closes the
// message.
void take_now(const ProviderEvent& event, const CurrentState& current, LockedMessage* message) {
  const Effect effect = effect_of(event, current);
  pg_uuid_t id;
  const bool is_new = store(event, true, &message->command, &id);
  if (is_new && effect.moves) move(message, event, effect.status);
  message->close();
  if (!is_new) return;
  if (effect.status != nullptr && current.waits) settle_claim(event);
  if (effect.suppresses) suppress_if_permanent(event.message_id, event.error_code);
}

}  // namespace

bool store_event(const ProviderEvent& event, pg_uuid_t* id) {
  return store_alone(without_empty_texts(event), true, id);
}

void take_event(const ProviderEvent& received) {
  const ProviderEvent event = without_empty_texts(received);
  ProviderEvent matched = event;
  pg_uuid_t id;
  if (!find_message(&matched)) {
    store_alone(event, false, &id);
    return;
  }
  LockedMessage message;
  const Table::Lock lock = message.open(matched);
  if (lock == Table::Lock::kTaken) {
    const CurrentState current = state_of(message.scan.row, matched);
    // An erased person's number may be in these.
    if (current.erased) matched.payload = matched.error_message = nullptr;
    take_now(matched, current, &message);
    return;
  }
  message.close();
  if (lock == Table::Lock::kBusy || !event.has_message) store_alone(event, false, &id);
}

}  // namespace coach_sms
