#include "core/twilio/delivery_status.hpp"
#include "core/twilio/twilio_errors.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/messages/provider_events.hpp"

namespace coach_sms {

namespace {

struct Stored {
  pg_uuid_t event_id;
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  bool has_message;
  bool has_org;
  char* provider;
  char* sid;
  char* status;
  char* error_code;
  char* error_message;
};

bool read_event(const pg_uuid_t& id, Stored* event) {
  static Statement read{
      R"sql(
      SELECT message_id, org_id, provider, provider_message_id, event_status, error_code,
             error_message FROM @extschema@.sms_events
       WHERE id = $1 AND processed_at IS NULL FOR UPDATE SKIP LOCKED)sql",
      {UUIDOID}};
  if (read.run(id) == 0) return false;
  bool is_null;
  datum_column(0, 1, &is_null);
  event->event_id = id;
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

bool find_by_sid(Stored* event) {
  static Statement find{
      R"sql(
      SELECT a.message_id, a.org_id
        FROM @extschema@.sms_attempts a JOIN @extschema@.sms_settings s ON s.org_id = a.org_id
       WHERE a.provider_message_id = $1
         AND CASE WHEN $2 IS NOT NULL THEN a.org_id = $2
                  ELSE coalesce(s.twilio_account_sid, '') = ''
                    OR s.twilio_auth_token_encrypted IS NULL END
       ORDER BY a.attempt_number DESC LIMIT 1)sql",
      {TEXTOID, UUIDOID}};
  if (event->sid == nullptr || find.run(event->sid, Parameter(event->org_id, event->has_org)) == 0)
    return false;
  event->message_id = uuid_column(0, 1);
  event->org_id = uuid_column(0, 2);
  return true;
}

struct CurrentState {
  char* status;
  char* error_code;
  char* sid;  // of the attempt that it was sent with; "" while there is none
  bool erased;
};

// Locks the message. Returns false where another session has locked it, or it is gone.
bool lock_message(const Stored& event, CurrentState* current) {
  static Statement lock{
      R"sql(
      SELECT CASE WHEN status = 'queued' AND attempt_count > 0 THEN 'sending' ELSE status END,
             coalesce(error_code, ''), coalesce(provider_message_id, ''),
             to_phone = 'erased' FROM @extschema@.sms_messages WHERE id = $1 AND org_id = $2
                 FOR NO KEY UPDATE SKIP LOCKED)sql",
      {UUIDOID, UUIDOID}};
  if (lock.run(event.message_id, event.org_id) == 0) return false;
  current->status = text_column(0, 1);
  current->error_code = text_column(0, 2);
  current->sid = text_column(0, 3);
  current->erased = bool_column(0, 4);
  return true;
}

// Returns whether the event reports a failed attempt of a message that another attempt has sent.
bool is_of_another_attempt(const Stored& event, const CurrentState& current, const char* status) {
  return strcmp(status, "failed") == 0 && event.sid != nullptr && current.sid[0] != '\0' &&
         strcmp(event.sid, current.sid) != 0;
}

// Settles an unknown claim and removes the message from the queue: the provider's event shows that
// it was taken. A claim whose sender still awaits the answer is left to that sender.
void settle_claim(const Stored& event) {
  static Statement settle{
      R"sql(
      WITH unqueued AS (
       DELETE FROM @internal@.sms_queue WHERE message_id = $1),
       known AS (
       DELETE FROM @internal@.sms_in_flight WHERE message_id = $1 AND org_id = $2
          AND state = 'unknown' RETURNING *)
       INSERT INTO @extschema@.sms_attempts (message_id, attempt_number, provider,
         provider_message_id, request_payload, response_status, status, org_id, client_key,
         segments, duration_ms)
       SELECT message_id, attempt_number, $4, $3, settlement->'request',
         (settlement->>'http_status')::int, 'success', org_id, client_key, segments,
         (settlement->>'duration_ms')::int FROM known)sql",
      {UUIDOID, UUIDOID, TEXTOID, TEXTOID}};
  settle.run(event.message_id, event.org_id, event.sid, event.provider);
}

// Moves the message: sending, unknown, sent, queued again → sent, delivered or failed. Removes the
// error that was recorded while the outcome was unknown.
void move(const Stored& event, const char* status) {
  static Statement update{
      R"sql(
      UPDATE @extschema@.sms_messages SET status = $3, updated_at = now(),
         sent_at = coalesce(sent_at, now()),
         delivered_at = CASE WHEN $3 = 'delivered' THEN now() ELSE delivered_at END,
         failed_at = CASE WHEN $3 = 'failed' THEN now() END,
         error_code = CASE WHEN $3 = 'failed' THEN coalesce($5, 'undelivered')
                           WHEN status = 'sent' THEN coalesce($5, error_code)
                           ELSE $5 END,
         error_message = CASE WHEN $5 IS NOT NULL THEN $6 WHEN $3 = 'failed' THEN error_message END,
         provider_message_id = coalesce(provider_message_id, $4)
       WHERE id = $1 AND org_id = $2)sql",
      {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
  update.run(event.message_id, event.org_id, status, event.sid, event.error_code,
             event.error_message);
}

void note_message(const Stored& event) {
  static Statement update{
      "UPDATE @extschema@.sms_events SET message_id = $2, org_id = $3 WHERE id = $1",
      {UUIDOID, UUIDOID, UUIDOID}};
  update.run(event.event_id, event.message_id, event.org_id);
}

// Marks the event processed. Removes payload and error text of an erased person's message, since
// the number may be in them.
void mark_processed(const Stored& event, bool erased) {
  static Statement update{
      R"sql(
      UPDATE @extschema@.sms_events SET processed_at = now(), message_id = $2, org_id = $3,
         event_payload = CASE WHEN $4 THEN NULL ELSE event_payload END,
         error_message = CASE WHEN $4 THEN NULL ELSE error_message END
       WHERE id = $1)sql",
      {UUIDOID, UUIDOID, UUIDOID, BOOLOID}};
  update.run(event.event_id, event.message_id, event.org_id, erased);
}

}  // namespace

bool store_event(const ProviderEvent& event, pg_uuid_t* id) {
  static Statement insert{
      R"sql(
      INSERT INTO @extschema@.sms_events (message_id, org_id, provider, provider_message_id,
         event_type, event_status, error_code, error_message, event_payload, dedupe_key,
         processed_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10,
         CASE WHEN $5 = 'inbound' THEN now() END)
       ON CONFLICT (dedupe_key) DO NOTHING RETURNING id)sql",
      {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
  auto given = [](const char* text) { return text != nullptr && text[0] != '\0' ? text : nullptr; };
  if (insert.run(Parameter(event.message_id, event.has_message),
                 Parameter(event.org_id, event.has_message || event.has_org), given(event.provider),
                 given(event.sid), given(event.type), given(event.status), given(event.error_code),
                 given(event.error_message), given(event.payload), given(event.dedupe_key)) == 0)
    return false;
  *id = uuid_column(0, 1);
  return true;
}

namespace {

const char* reason_of(const char* code) {
  return code != nullptr ? suppression_reason(atoi(code)) : nullptr;
}

bool apply(const pg_uuid_t& id, bool may_wait) {
  Stored event{};
  CurrentState current{};
  if (!read_event(id, &event)) return false;
  if (!event.has_message && !find_by_sid(&event)) return false;
  if (!lock_message(event, &current)) return false;
  const char* status = nullptr;
  bool forward = false;
  const Failure failure = run_cpp([&] {
    const std::string_view reported = event.status != nullptr ? event.status : "";
    status = our_status(reported);
    forward = status != nullptr && moves_forward(current.status, reported, current.error_code);
  });
  raise_if(failure);
  const bool moves = forward && !is_of_another_attempt(event, current, status);
  const bool suppresses =
      moves && strcmp(status, "failed") == 0 && reason_of(event.error_code) != nullptr;
  if (suppresses && !may_wait) {
    note_message(event);  // the message is now known, so the event is tried again for a day
    return false;
  }
  if (status != nullptr) settle_claim(event);
  if (moves) move(event, status);
  if (suppresses) suppress_if_permanent(event.message_id, event.error_code);
  mark_processed(event, current.erased);
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

void suppress_if_permanent(const pg_uuid_t& message_id, const char* code) {
  static Statement suppress{"SELECT @internal@.sms_take_refusal($1, $2, $3)",
                            {UUIDOID, TEXTOID, TEXTOID}};
  static Statement suppress_in_0_1_0{"SELECT @extschema@.sms_heed_code($1, $2, $3)",
                                     {UUIDOID, TEXTOID, TEXTOID}};
  const char* reason = reason_of(code);
  if (reason == nullptr) return;
  Statement& statement = has_internal_schema() ? suppress : suppress_in_0_1_0;
  statement.run(message_id, code, reason);
}

bool apply_event(const pg_uuid_t& id) {
  return apply(id, true);
}

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
