#include "core/twilio/delivery_status.hpp"
#include "core/twilio/twilio_errors.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/messages/provider_events.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

// --- the message of an event --------------------------------------------------------------------

// Finds the message of the event: by its id, else by its SID. Then it enters the message's ids into
// the event.
bool find_message(ProviderEvent* event) {
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
  if (event->has_message) return true;
  if (event->sid == nullptr || find.run(event->sid, Parameter(event->org_id, event->has_org)) == 0)
    return false;
  event->has_message = true;
  event->message_id = uuid_column(0, 1);
  event->org_id = uuid_column(0, 2);
  return true;
}

struct CurrentState {
  char* status;
  char* error_code;
  char* sid;  // of the attempt that it was sent with; "" while there is none
  bool erased;
  bool waits;  // it has a row of the queue or an unknown claim
};

bool is_in_queue(const pg_uuid_t& message_id) {
  bool found = false;
  read_rows(&queue::table, {{queue::kMessageId, Parameter(message_id)}},
            [&](const Row&) { found = true; });
  return found;
}

bool has_unknown_claim(const pg_uuid_t& message_id) {
  bool found = false;
  read_rows(&in_flight::table, {{in_flight::kMessageId, Parameter(message_id)}},
            [&](const Row& claim) { found = claim.text_is(in_flight::kState, "unknown"); });
  return found;
}

CurrentState state_of(const Row& message, const ProviderEvent& event) {
  namespace m = messages;
  CurrentState state{};
  const bool was_sent =
      message.text_is(m::kStatus, "queued") && message.number(m::kAttemptCount) > 0;
  state.status = was_sent ? pstrdup("sending") : message.copy_text(m::kStatus, "");
  state.error_code = message.copy_text(m::kErrorCode, "");
  state.sid = message.copy_text(m::kProviderMessageId, "");
  state.erased = message.text_is(m::kToPhone, "erased");
  state.waits = is_in_queue(event.message_id) || has_unknown_claim(event.message_id);
  return state;
}

// The message of an event, in a command of its own.
struct LockedMessage {
  Command command;
  Table table;
  Scan scan;

  // Locks the message without waiting. close() follows whatever the result.
  Table::Lock open(const ProviderEvent& event) {
    command.begin();
    table.open(&messages::table, TableUse::kWrite, &command);
    scan.begin(&table, {{messages::kId, Parameter(event.message_id)}});
    if (!scan.next()) return Table::Lock::kGone;
    const pg_uuid_t org_id = scan.row.uuid(messages::kOrgId);
    if (memcmp(&org_id, &event.org_id, UUID_LEN) != 0) return Table::Lock::kGone;
    return table.lock(&scan.row, LockTupleNoKeyExclusive);
  }

  void close() {
    scan.end();
    table.close();
    command.end();
  }
};

// --- the effect of an event ---------------------------------------------------------------------

struct Effect {
  const char* status;  // the message's by this event; nullptr where the event proves nothing
  bool moves;          // the message takes it
  bool suppresses;     // the error is about the recipient
};

const char* reason_of(const char* code) {
  return code != nullptr ? suppression_reason(atoi(code)) : nullptr;
}

// Returns whether the event reports a failed attempt of a message that another attempt has sent.
bool is_of_another_attempt(const ProviderEvent& event, const CurrentState& current,
                           const char* status) {
  return strcmp(status, "failed") == 0 && event.sid != nullptr && current.sid[0] != '\0' &&
         strcmp(event.sid, current.sid) != 0;
}

Effect effect_of(const ProviderEvent& event, const CurrentState& current) {
  Effect effect{};
  raise_if(run_cpp([&] {
    const std::string_view reported = event.status != nullptr ? event.status : "";
    effect.status = our_status(reported);
    effect.moves = effect.status != nullptr &&
                   moves_forward(current.status, reported, current.error_code) &&
                   !is_of_another_attempt(event, current, effect.status);
  }));
  effect.suppresses = effect.moves && strcmp(effect.status, "failed") == 0 &&
                      reason_of(event.error_code) != nullptr;
  return effect;
}

// Settles an unknown claim and removes the message from the queue: the provider's event shows that
// it was taken. A claim whose sender still awaits the answer is left to that sender.
void settle_claim(const ProviderEvent& event) {
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
void move(LockedMessage* message, const ProviderEvent& event, const char* status) {
  namespace m = messages;
  const Row& row = message->scan.row;
  Table& table = message->table;
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  const bool fails = strcmp(status, "failed") == 0;
  const bool was_sent = row.text_is(m::kStatus, "sent");
  const char* const code = event.error_code == nullptr && fails ? "undelivered" : event.error_code;
  table.begin_change(row);
  table.set(m::kStatus, Parameter(status));
  table.set(m::kUpdatedAt, Parameter(now));
  if (row.is_null(m::kSentAt)) table.set(m::kSentAt, Parameter(now));
  if (strcmp(status, "delivered") == 0) table.set(m::kDeliveredAt, Parameter(now));
  table.set(m::kFailedAt, Parameter(now, fails));
  if (code != nullptr || !was_sent) table.set(m::kErrorCode, Parameter(code));
  if (event.error_code != nullptr || !fails)
    table.set(m::kErrorMessage,
              Parameter(event.error_code != nullptr ? event.error_message : nullptr));
  if (row.is_null(m::kProviderMessageId)) table.set(m::kProviderMessageId, Parameter(event.sid));
  table.update();
}

// --- an event that comes ------------------------------------------------------------------------

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

namespace {

// --- events that wait ---------------------------------------------------------------------------

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
