#include "pg/messages/waiting_events.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/messages/event_effect.hpp"
#include "pg/messages/join_sql.hpp"

namespace coach_sms {

namespace {

bool read_event(const pg_uuid_t& id, ProviderEvent* event) {
  static Statement read{
      R"sql(
      SELECT message_id, org_id, provider, provider_message_id, event_status, error_code,
             error_message FROM @extschema@.sms_events
       WHERE id = $1 AND processed_at IS NULL FOR UPDATE SKIP LOCKED)sql",
      {UUIDOID}};
  if (read.run(id) == 0) return false;
  bool is_null;
  datum_column(0, 1, &is_null);
  event->has_message = !is_null;
  datum_column(0, 2, &is_null);
  event->has_org = !is_null;
  event->message_id = uuid_column(0, 1);
  event->org_id = uuid_column(0, 2);
  event->provider = text_column(0, 3);
  event->sid = text_column(0, 4);
  event->status = text_column(0, 5);
  event->error_code = text_column(0, 6);
  event->error_message = text_column(0, 7);
  return true;
}

void note_message(const pg_uuid_t& id, const ProviderEvent& event) {
  static Statement update{
      "UPDATE @extschema@.sms_events SET message_id = $2, org_id = $3 WHERE id = $1",
      {UUIDOID, UUIDOID, UUIDOID}};
  update.run(id, event.message_id, event.org_id);
}

// Marks the event processed. Removes payload and error text of an erased person's message, since
// the number may be in them.
void mark_processed(const pg_uuid_t& id, const ProviderEvent& event, bool erased) {
  static Statement update{
      R"sql(
      UPDATE @extschema@.sms_events SET processed_at = now(), message_id = $2, org_id = $3,
         event_payload = CASE WHEN $4 THEN NULL ELSE event_payload END,
         error_message = CASE WHEN $4 THEN NULL ELSE error_message END
       WHERE id = $1)sql",
      {UUIDOID, UUIDOID, UUIDOID, BOOLOID}};
  update.run(id, event.message_id, event.org_id, erased);
}

bool apply(const pg_uuid_t& id, bool may_wait) {
  ProviderEvent event{};
  if (!read_event(id, &event) || !find_message(&event)) return false;
  LockedMessage message;
  if (message.open(event) != Table::Lock::kTaken) {
    message.close();
    return false;
  }
  const CurrentState current = state_of(message.scan.row, event);
  const Effect effect = effect_of(event, current);
  const bool is_put_off = effect.suppresses && !may_wait;
  if (effect.moves && !is_put_off) move(&message, event, effect.status);
  message.close();
  if (is_put_off) {
    note_message(id, event);  // the message is now known, so the event is tried again for a day
    return false;
  }
  if (effect.status != nullptr && current.waits) settle_claim(event);
  if (effect.suppresses) suppress_if_permanent(event.message_id, event.error_code);
  mark_processed(id, event, current.erased);
  return true;
}

uint64 apply_found(uint64 found, bool may_wait) {
  auto* ids = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * (found + 1)));
  for (uint64 row = 0; row < found; ++row)
    ids[row] = uuid_column(row, 1);
  uint64 applied = 0;
  for (uint64 row = 0; row < found; ++row)
    applied += apply(ids[row], may_wait) ? 1 : 0;
  return applied;
}

}  // namespace

uint64 apply_events_of(const char* const* sids, int count) {
  // Searches by the index of SIDs: the index of unmatched events may be full of another
  // application's.
  static Statement find{
      R"sql(
      SELECT id FROM @extschema@.sms_events
       WHERE provider_message_id = ANY ($1) AND (processed_at IS NULL) IS TRUE
       ORDER BY received_at)sql",
      {TEXTARRAYOID}};
  return apply_found(find.run(texts_of(count, [&](int i) { return sids[i]; })), false);
}

uint64 apply_waiting_events() {
  static constexpr auto kFind = join_sql(R"sql(
      (SELECT id FROM @extschema@.sms_events WHERE)sql",
                                         kWaitsForLock, R"sql(
        ORDER BY received_at LIMIT 500)
       UNION ALL
       (SELECT id FROM @extschema@.sms_events WHERE)sql",
                                         kWaitsForSid, R"sql(
        ORDER BY received_at LIMIT 500))sql");
  static Statement find{kFind.data(), {}};
  // Events that match no message of ours: another application's, or a deleted message's.
  static Statement give_up{
      R"sql(
      UPDATE @extschema@.sms_events e SET processed_at = now(),
         message_id = (SELECT m.id FROM @extschema@.sms_messages m WHERE m.id = e.message_id)
       WHERE e.id IN
         (SELECT id FROM @extschema@.sms_events WHERE processed_at IS NULL
             AND received_at <= now() - interval '1 day' AND message_id IS NOT NULL
          UNION ALL
          SELECT id FROM @extschema@.sms_events WHERE processed_at IS NULL
             AND received_at <= now() - interval '1 day' AND message_id IS NULL)
         AND (e.processed_at IS NULL) IS TRUE)sql",
      {}};
  give_up.run();
  return apply_found(find.run(), true);
}

}  // namespace coach_sms
