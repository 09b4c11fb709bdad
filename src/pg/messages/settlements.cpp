#include "pg/messages/settlements.hpp"

#include "pg/base/ids.hpp"
#include "pg/messages/queue_row.hpp"
#include "pg/messages/upkeep.hpp"
#include "pg/shared/commit_signals.hpp"

namespace coach_sms {

namespace {

// The message and the in-flight row of a result, locked, while the result is recorded.
struct Settling {
  AttemptResult* result;
  SendingTables* tables;
  FoundRow message;
  FoundRow claim;
  Table::Lock lock;  // of both
};

// Locks the message, and finds its claim if it is still ours. The lock of a message covers its
// in-flight row.
Table::Lock lock_rows(Settling* settling) {
  const AttemptResult& result = *settling->result;
  const Table::Lock lock = settling->message.lock(LockTupleNoKeyExclusive);
  if (lock != Table::Lock::kTaken) return lock;
  if (!settling->claim.find()) return Table::Lock::kGone;
  const Row& row = settling->claim.row();
  const bool ours = row.bigint(in_flight::kFence) == result.fence &&
                    to_core(row.uuid(in_flight::kOrgId)) == result.org &&
                    to_core(settling->message.row().uuid(messages::kOrgId)) == result.org;
  return ours ? Table::Lock::kTaken : Table::Lock::kGone;
}

// Locks the rows, and calls write() if the claim is still ours. Otherwise its message was settled
// already, and the result is given up.
template <typename Write>
void settle(AttemptResult* result, SendingTables* tables, Write write) {
  Settling settling{result, tables, {}, {}, Table::Lock::kGone};
  settling.message.begin(&tables->messages, messages::kId, to_pg(result->message));
  settling.claim.begin(&tables->in_flight, in_flight::kMessageId, to_pg(result->message));
  settling.lock = lock_rows(&settling);
  if (settling.lock == Table::Lock::kTaken) write(settling);
  result->recorded = settling.lock != Table::Lock::kBusy;
  if (settling.lock == Table::Lock::kGone) ++tables->late_results;
  settling.claim.end();
  settling.message.end();
}

// Removes the in-flight row, before anything else is written. Returns false where another session
// was faster.
bool end_claim(Settling* settling) {
  settling->lock = settling->tables->in_flight.remove(settling->claim.row());
  return settling->lock == Table::Lock::kTaken;
}

bool is_sending(const Settling& settling) {
  return settling.message.row().text_is(messages::kStatus, "sending");
}

// --- the attempt --------------------------------------------------------------------------------

// The facts of a request that was unknown, from its in-flight row. nullptr and 0: not known.
struct EarlierFacts {
  Jsonb* object;

  const JsonbValue* find(const char* key, JsonbValue* value) const {
    if (object == nullptr) return nullptr;
    return getKeyJsonValueFromContainer(&object->root, key, static_cast<int>(strlen(key)), value);
  }
  Jsonb* json(const char* key) const {
    JsonbValue value;
    return find(key, &value) != nullptr ? JsonbValueToJsonb(&value) : nullptr;
  }
  const char* text(const char* key) const {
    JsonbValue value;
    if (find(key, &value) == nullptr || value.type != jbvString) return nullptr;
    return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
  }
  int number(const char* key) const {
    JsonbValue value;
    if (find(key, &value) == nullptr || value.type != jbvNumeric) return 0;
    return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
  }
};

EarlierFacts earlier_facts(const Row& claim) {
  bool is_null;
  const Datum settlement = claim.datum(in_flight::kSettlement, &is_null);
  return {is_null ? nullptr : DatumGetJsonbP(settlement)};
}

const char* given(const char* text) {
  return text != nullptr && text[0] != '\0' ? text : nullptr;
}

// Returns nullptr for no text.
Jsonb* parse(const char* json) {
  if (given(json) == nullptr) return nullptr;
  return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

// Returns the text, or else what was known of the unknown request.
const char* given_or(const char* text, const EarlierFacts& earlier, const char* key) {
  return given(text) != nullptr ? text : earlier.text(key);
}

Parameter json_or(const char* json, const EarlierFacts& earlier, const char* key) {
  return Parameter(given(json) != nullptr ? parse(json) : earlier.json(key));
}

// Returns the number, or NULL for 0: it is not known.
Parameter known(int number) {
  return Parameter(number, number != 0);
}

Parameter number_or(int number, const EarlierFacts& earlier, const char* key) {
  return known(number != 0 ? number : earlier.number(key));
}

void insert_attempt(Settling* settling, const char* provider, const char* status) {
  namespace a = attempts;
  const AttemptResult& result = *settling->result;
  const Row& claim = settling->claim.row();
  const EarlierFacts earlier = earlier_facts(claim);
  const EarlierFacts errors = strcmp(status, "success") == 0 ? EarlierFacts{nullptr} : earlier;
  const int segments = result.segments != 0 ? result.segments : claim.number(in_flight::kSegments);
  settling->tables->open_attempts();
  Table& table = settling->tables->attempts;
  table.begin_row();
  table.set(a::kMessageId, Parameter(result.message));
  table.set(a::kAttemptNumber, Parameter(claim.number(in_flight::kAttemptNumber)));
  table.set(a::kProvider, Parameter(provider));
  table.set(a::kProviderMessageId, Parameter(given(result.sid)));
  table.set(a::kRequestPayload, json_or(result.request, earlier, "request"));
  table.set(a::kResponsePayload, json_or(result.response, earlier, "response"));
  table.set(a::kResponseStatus, number_or(result.http_status, earlier, "http_status"));
  table.set(a::kStatus, Parameter(status));
  table.set(a::kErrorCode, Parameter(given_or(result.error_code, errors, "error_code")));
  table.set(a::kErrorMessage, Parameter(given_or(result.error_message, errors, "error_message")));
  table.set(a::kOrgId, Parameter(result.org));
  table.set(a::kClientKey, Parameter(claim.copy_text(in_flight::kClientKey, "")));
  table.set(a::kSegments, Parameter(segments));
  table.set(a::kDurationMs, number_or(result.duration_ms, earlier, "duration_ms"));
  table.insert();
  if (strcmp(status, "success") == 0) note_segments(segments);
}

// --- message, claim, queue ----------------------------------------------------------------------

Table& begin_message(Settling* settling) {
  Table& table = settling->tables->messages;
  table.begin_change(settling->message.row());
  table.set(messages::kUpdatedAt, Parameter(GetCurrentTransactionStartTimestamp()));
  return table;
}

void set_status(Table* message, const char* status, const char* error_code,
                const char* error_message) {
  message->set(messages::kStatus, Parameter(status));
  message->set(messages::kErrorCode, Parameter(given(error_code)));
  message->set(messages::kErrorMessage, Parameter(given(error_message)));
}

// Takes back the claim's count: no request was made.
void uncount_attempt(const Settling& settling, Table* message) {
  const int attempts = settling.message.row().number(messages::kAttemptCount);
  message->set(messages::kAttemptCount, Parameter(attempts - 1));
}

// Puts the message back into its lane of the queue.
void queue_again(Settling* settling, const char* held_for) {
  const AttemptResult& result = *settling->result;
  const Row& message = settling->message.row();
  bool no_metadata;
  const Datum metadata = message.datum(messages::kMetadata, &no_metadata);
  QueueRow row{};
  row.message_id = to_pg(result.message);
  row.org_id = to_pg(result.org);
  row.zone = zone_of(no_metadata ? nullptr : DatumGetJsonbP(metadata));
  row.priority = static_cast<int16>(settling->claim.row().number(in_flight::kPriority));
  row.due_at = result.when;
  row.has_expires_at = !message.is_null(messages::kExpiresAt);
  row.expires_at = message.time(messages::kExpiresAt, 0);
  row.failures = static_cast<int16>(result.failures);
  row.held_for = held_for;
  insert_queue_row(row, &settling->tables->queue);
}

}  // namespace

// --- sending | unknown → sent -------------------------------------------------------------------

void record_sent(AttemptResult* result, const char* provider, SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    if (!end_claim(&settling)) return;
    const Row& row = settling.message.row();
    const TimestampTz now = GetCurrentTransactionStartTimestamp();
    Table& message = begin_message(&settling);
    // A callback may have come before the answer: its status and error stay. An error that was
    // recorded while the outcome was unknown goes.
    if (messages::is_in_flight(settling.message.row()))
      set_status(&message, "sent", nullptr, nullptr);
    message.set(messages::kSentAt, Parameter(row.time(messages::kSentAt, now)));
    message.set(messages::kProviderMessageId, Parameter(given(result->sid)));
    if (result->segments != 0) message.set(messages::kSegments, Parameter(result->segments));
    message.update();
    insert_attempt(&settling, provider, "success");
  });
}

// --- sending | unknown → failed -----------------------------------------------------------------

void record_failed(AttemptResult* result, const char* provider, const char* attempt_status,
                   SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    if (!end_claim(&settling)) return;
    if (messages::is_in_flight(settling.message.row())) {
      Table& message = begin_message(&settling);
      set_status(&message, "failed", result->error_code, result->error_message);
      message.set(messages::kFailedAt, Parameter(GetCurrentTransactionStartTimestamp()));
      if (given(result->sid) != nullptr)
        message.set(messages::kProviderMessageId, Parameter(result->sid));
      message.update();
    }
    insert_attempt(&settling, provider, attempt_status);
  });
}

// --- sending | unknown → queued -----------------------------------------------------------------

void record_retry(AttemptResult* result, const char* provider, const char* attempt_status,
                  SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    if (!end_claim(&settling)) return;
    if (messages::is_in_flight(settling.message.row())) {
      Table& message = begin_message(&settling);
      set_status(&message, "queued", nullptr, nullptr);
      message.update();
      queue_again(&settling, nullptr);
    }
    insert_attempt(&settling, provider, attempt_status);
  });
}

// --- sending → unknown --------------------------------------------------------------------------

namespace {

Jsonb* facts_of(const AttemptResult& result) {
  static Statement build{
      R"sql(
      SELECT jsonb_strip_nulls(jsonb_build_object('provider', 'twilio', 'attempt_status', 'unknown',
         'error_code', $1, 'error_message', $2, 'request', $3, 'response', $4, 'http_status', $5,
         'duration_ms', $6)))sql",
      {TEXTOID, TEXTOID, JSONBOID, JSONBOID, INT4OID, INT4OID}};
  build.run(given(result.error_code), given(result.error_message), parse(result.request),
            parse(result.response), known(result.http_status), known(result.duration_ms));
  bool is_null;
  return DatumGetJsonbPCopy(datum_column(0, 1, &is_null));
}

}  // namespace

void record_unknown(AttemptResult* result, SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    Table& claim = tables->in_flight;
    settling.lock = claim.lock(&settling.claim.row(), LockTupleNoKeyExclusive);
    if (settling.lock != Table::Lock::kTaken) return;
    if (!settling.claim.row().text_is(in_flight::kState, "leased")) return;
    Jsonb* facts = facts_of(*result);
    claim.begin_change(settling.claim.row());
    claim.set(in_flight::kState, Parameter("unknown"));
    claim.set(in_flight::kNextLookAt, Parameter(result->when));
    claim.set(in_flight::kSettlement, Parameter(facts));
    claim.update();
    if (!is_sending(settling)) return;
    Table& message = begin_message(&settling);
    set_status(&message, "unknown", result->error_code, result->error_message);
    message.update();
  });
}

// --- sending → queued | cancelled, no request made ----------------------------------------------

void requeue(AttemptResult* result, SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    if (!end_claim(&settling)) return;
    if (is_sending(settling)) {
      Table& message = begin_message(&settling);
      message.set(messages::kStatus, Parameter("queued"));
      uncount_attempt(settling, &message);
      message.update();
      const char* code = result->error_code;
      queue_again(&settling,
                  code != nullptr && strcmp(code, "client_daily_limit") == 0 ? code : nullptr);
    }
  });
}

void cancel(AttemptResult* result, SendingTables* tables) {
  settle(result, tables, [&](Settling& settling) {
    if (!end_claim(&settling)) return;
    if (is_sending(settling)) {
      Table& message = begin_message(&settling);
      set_status(&message, "cancelled", result->error_code, result->error_message);
      uncount_attempt(settling, &message);
      message.update();
      const char* reason = given(result->error_code);
      if (reason != nullptr && strcmp(reason, "expired") == 0) note_expired(to_pg(result->message));
    }
  });
}

}  // namespace coach_sms
