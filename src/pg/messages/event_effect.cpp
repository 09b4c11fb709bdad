#include "core/twilio/delivery_status.hpp"
#include "core/twilio/twilio_errors.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/messages/event_effect.hpp"

#include "pg/base/statement.hpp"
#include "pg/facts/own_tokens.hpp"
#include "pg/shared/commit_signals.hpp"

namespace coach_sms {

namespace {

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

const char* reason_of(const char* code) {
  return code != nullptr ? suppression_reason(atoi(code)) : nullptr;
}

// Returns whether the event reports a failed attempt of a message that another attempt has sent.
bool is_of_another_attempt(const ProviderEvent& event, const CurrentState& current,
                           const char* status) {
  return strcmp(status, "failed") == 0 && event.sid != nullptr && current.sid[0] != '\0' &&
         strcmp(event.sid, current.sid) != 0;
}

// Returns whether the token that signed the event speaks for the org: the org's own token, or else
// the server's. None speaks for an org without settings.
bool speaks_for(const ProviderEvent& event, const pg_uuid_t& org_id) {
  if (event.has_org) return memcmp(&event.org_id, &org_id, UUID_LEN) == 0;
  OwnTokens tokens{};
  return find_own_tokens(org_id, &tokens) && tokens.sealed == nullptr;
}

}  // namespace

// --- the message of an event --------------------------------------------------------------------

bool find_message(ProviderEvent* event) {
  static Statement find{R"sql(
      SELECT message_id, org_id FROM @extschema@.sms_attempts
       WHERE provider_message_id = $1 ORDER BY attempt_number DESC)sql",
                        {TEXTOID}};
  if (event->has_message) return true;
  if (event->sid == nullptr) return false;
  const uint64 count = find.run(event->sid);
  for (uint64 i = 0; i < count; ++i) {
    const pg_uuid_t org_id = uuid_column(i, 2);
    if (!speaks_for(*event, org_id)) continue;
    event->has_message = true;
    event->message_id = uuid_column(i, 1);
    event->org_id = org_id;
    return true;
  }
  return false;
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

Table::Lock LockedMessage::open(const ProviderEvent& event) {
  command.begin();
  table.open(&messages::table, TableUse::kWrite, &command);
  scan.begin(&table, {{messages::kId, Parameter(event.message_id)}});
  if (!scan.next()) return Table::Lock::kGone;
  const pg_uuid_t org_id = scan.row.uuid(messages::kOrgId);
  if (memcmp(&org_id, &event.org_id, UUID_LEN) != 0) return Table::Lock::kGone;
  return table.lock(&scan.row, LockTupleNoKeyExclusive);
}

void LockedMessage::close() {
  scan.end();
  table.close();
  command.end();
}

// --- the effect of an event ---------------------------------------------------------------------

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
         (settlement->>'duration_ms')::int FROM known RETURNING segments)sql",
      {UUIDOID, UUIDOID, TEXTOID, TEXTOID}};
  if (settle.run(event.message_id, event.org_id, event.sid, event.provider) > 0)
    note_segments(int_column(0, 1));
}

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

}  // namespace coach_sms
