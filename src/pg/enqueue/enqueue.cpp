#include "core/text/phone_number.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/consent/suppression.hpp"
#include "pg/enqueue/enqueue.hpp"
#include "pg/facts/facts.hpp"
#include "pg/messages/queue_row.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

// The ids that store() inserts at this moment. The triggers on sms_messages look here, since
// store() has done their work already. There are several where an application's trigger enqueues in
// its turn. An error ends the transaction, or the subtransaction around store(): the ids of that
// level and deeper levels then go. A subtransaction within, of a trigger's exception block, removes
// none.
struct Storing {
  pg_uuid_t id;
  int level;
};
constexpr int kDeepest = 32;
Storing storing[kDeepest];
int depth = 0;

void begin_storing(const pg_uuid_t& id) {
  if (depth == kDeepest)
    ereport(ERROR, (errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
                    errmsg("triggers on sms_messages enqueue more than %d deep", kDeepest)));
  storing[depth++] = {id, GetCurrentTransactionNestLevel()};
}

// Finds the first message with this key, pruned or not. Returns false where there is none. Fills
// `failure` (SM011) if its payload differs.
bool find_first(const MessageRequest& wanted, const PreparedMessage& ready, pg_uuid_t* id,
                Failure* failure) {
  static Statement find{R"sql(
      SELECT id, payload_hash IS NOT DISTINCT FROM $3 FROM @extschema@.sms_messages
       WHERE org_id = $1 AND idempotency_key = $2
       UNION ALL
      SELECT message_id, payload_hash IS NOT DISTINCT FROM $3 FROM @extschema@.sms_idempotency_keys
       WHERE org_id = $1 AND idempotency_key = $2 LIMIT 1)sql",
                        {UUIDOID, TEXTOID, BYTEAOID}};
  if (find.run(wanted.org_id, wanted.idempotency_key, ready.payload_hash) != 1) return false;
  *id = uuid_column(0, 1);
  if (!bool_column(0, 2))
    fail(failure, kKeyReused,
         psprintf("Message %s has this key with another recipient, text or variables.",
                  uuid_text(*id)),
         "Use a key of its own for each message.",
         "idempotency key \"%s\" was used for another message",
         clipped(wanted.idempotency_key, 100));
  return true;
}

// Returns whether a request that prepare_message() refused repeats an earlier message. Its payload
// can be hashed whenever its number can be read, whatever else is wrong with it.
bool is_repeat(const MessageRequest& wanted, pg_uuid_t* id) {
  const bool has_words = wanted.body != nullptr || wanted.template_key != nullptr;
  if (wanted.idempotency_key == nullptr || wanted.to_phone == nullptr || !has_words) return false;
  const OrgFacts* org = find_org(wanted.org_id);
  const std::string_view phone = utf8_view(wanted.to_phone);
  char* normalized = nullptr;
  Failure failure = run_cpp([&] { normalized = copy_out(normalize_phone(phone, org->region)); });
  if (!org->known || failure.failed) return false;
  PreparedMessage ready{};
  ready.to_phone = text_from_utf8(normalized);
  ready.payload_hash = hash_payload(wanted, ready.to_phone, &failure);
  return !failure.failed && find_first(wanted, ready, id, &failure) && !failure.failed;
}

// Returns whether the key's message was pruned.
bool is_pruned(const MessageRequest& wanted) {
  bool found = false;
  if (wanted.idempotency_key != nullptr)
    read_rows(&pruned_keys::table,
              {{pruned_keys::kOrgId, Parameter(wanted.org_id)},
               {pruned_keys::kIdempotencyKey, Parameter(wanted.idempotency_key)}},
              [&](const Row&) { found = true; });
  return found;
}

void fill_message(const MessageRequest& wanted, const PreparedMessage& ready, Table* message) {
  namespace m = messages;
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  message->begin_row();
  message->set(m::kId, Parameter(ready.id));
  message->set(m::kOrgId, Parameter(wanted.org_id));
  message->set(m::kClientId, Parameter(wanted.client_id, wanted.has_client_id));
  message->set(m::kToPhone, Parameter(ready.to_phone));
  message->set(m::kFromPhone, Parameter(wanted.from_phone));
  message->set(m::kTemplateId, Parameter(ready.template_id, ready.has_template_id));
  message->set(m::kTemplateKey, Parameter(wanted.template_key));
  message->set(m::kBody, Parameter(ready.body));
  message->set(m::kVariables, Parameter(wanted.variables));
  message->set(m::kRelatedEntityType, Parameter(wanted.related_entity_type));
  message->set(m::kRelatedEntityId,
               Parameter(wanted.related_entity_id, wanted.has_related_entity_id));
  message->set(m::kStatus, Parameter(ready.scheduled_for > now ? "pending" : "queued"));
  message->set(m::kScheduledFor, Parameter(ready.scheduled_for));
  message->set(m::kIdempotencyKey, Parameter(wanted.idempotency_key));
  if (wanted.metadata != nullptr) message->set(m::kMetadata, Parameter(wanted.metadata));
  message->set(m::kSegments, Parameter(ready.segments));
  message->set(m::kEncoding, Parameter(ready.encoding));
  message->set(m::kPriority, Parameter(wanted.priority));
  message->set(m::kExpiresAt, Parameter(wanted.expires_at, wanted.has_expires_at));
  message->set(m::kSandbox, Parameter(ready.sandbox));
  message->set(m::kPayloadHash, Parameter(ready.payload_hash));
}

// Makes the queue's row from the row as it was stored: a trigger of the application may have
// changed it.
QueueRow queue_row_of(const Row& message, const PreparedMessage& ready) {
  bool is_null;
  const Datum metadata = message.datum(messages::kMetadata, &is_null);
  QueueRow row{};
  row.message_id = message.uuid(messages::kId);
  row.org_id = message.uuid(messages::kOrgId);
  row.zone = zone_of(is_null ? nullptr : DatumGetJsonbP(metadata));
  row.priority = static_cast<int16>(message.number(messages::kPriority));
  row.due_at = ready.due_at;
  row.expires_at = message.time(messages::kExpiresAt, 0);
  row.has_expires_at = !message.is_null(messages::kExpiresAt);
  return row;
}

// Inserts the message unless its key is taken, and gives its row of the queue. Waits for a
// concurrent transaction with the same key.
bool insert_message(const MessageRequest& wanted, const PreparedMessage& ready, Command* command,
                    QueueRow* row) {
  Table message;
  message.open(&messages::table, TableUse::kWrite, command);
  fill_message(wanted, ready, &message);
  const bool stored = wanted.idempotency_key == nullptr
                          ? message.insert()
                          : message.insert_unless_taken(
                                {messages::kOrgId, messages::kIdempotencyKey},
                                "(org_id, idempotency_key) WHERE idempotency_key IS NOT NULL");
  if (stored) *row = queue_row_of(message.stored(), ready);
  message.close();
  return stored;
}

void fail_skipped(Failure* failure) {
  fail(failure, ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
       "A BEFORE INSERT trigger on sms_messages returned NULL.",
       "Let the trigger return the row, or raise an error that says why it is refused.",
       "a trigger on sms_messages has skipped the message");
}

void at_transaction_event(XactEvent, void*) {
  depth = 0;
}

void at_subtransaction_event(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_ABORT_SUB) return;
  while (depth > 0 && GetCurrentTransactionNestLevel() <= storing[depth - 1].level)
    --depth;
}

}  // namespace

void fail_suppressed(const MessageRequest& wanted, const PreparedMessage& ready, Failure* failure) {
  static Statement find{
      "SELECT reason FROM @extschema@.sms_suppression"
      " WHERE org_id = $1 AND phone = ANY (@internal@.sms_phone_names($2)) ORDER BY "
      "created_at",
      {UUIDOID, TEXTOID}};
  const bool found = find.run(wanted.org_id, ready.to_phone) > 0;
  fail(failure, kSuppressed,
       found ? psprintf("The number is on the org's list in sms_suppression, reason %s.",
                        text_column(0, 1))
             : "The person said STOP to the number or Messaging Service that the org sends with.",
       found ? "Nothing may be sent to it. If the person consents again, call sms_opt_in()."
             : "Nothing may be sent to it before the person texts START to it.",
       "%s is suppressed", text_to_cstring(ready.to_phone));
}

bool store(const MessageRequest& wanted, const PreparedMessage& ready, pg_uuid_t* id,
           Failure* failure) {
  *id = ready.id;
  Command command;
  command.begin();
  begin_storing(ready.id);
  const bool suppressed = is_suppressed(wanted.org_id, wanted.from_phone, ready.to_phone, &command);
  QueueRow row{};
  const bool stored =
      !suppressed && !is_pruned(wanted) && insert_message(wanted, ready, &command, &row);
  if (stored) insert_queue_row(row, &command);
  command.end();
  --depth;
  if (stored)
    wake_note(&row.org_id, row.zone, row.priority, row.due_at);
  else if (wanted.idempotency_key != nullptr && find_first(wanted, ready, id, failure))
    return !failure->failed;
  else if (suppressed)
    fail_suppressed(wanted, ready, failure);
  else
    fail_skipped(failure);
  return !failure->failed;
}

bool enqueue(const MessageRequest& wanted, pg_uuid_t* id, Failure* failure) {
  PreparedMessage ready;
  if (!may_send(wanted, failure)) return false;
  if (prepare_message(wanted, &ready, failure)) return store(wanted, ready, id, failure);
  if (!is_repeat(wanted, id)) return false;
  *failure = Failure{};
  return true;
}

bool is_storing(const pg_uuid_t& id) {
  return depth > 0 && memcmp(&storing[depth - 1].id, &id, UUID_LEN) == 0;
}

void define_enqueue() {
  RegisterXactCallback(at_transaction_event, nullptr);
  RegisterSubXactCallback(at_subtransaction_event, nullptr);
}

}  // namespace coach_sms
