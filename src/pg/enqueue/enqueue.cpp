#include "core/text/phone_number.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/enqueue/enqueue.hpp"
#include "pg/enqueue/enqueue_cache.hpp"
#include "pg/enqueue/suppression_keys.hpp"
#include "pg/shared/commit_signals.hpp"

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

// Stores the message and its place in the queue in one statement, unless it is suppressed or its
// key is taken. It waits for a concurrent transaction with the same key.
Statement insert_message{R"sql(
      WITH message AS (
        INSERT INTO @extschema@.sms_messages (id, org_id, client_id, to_phone, from_phone,
          template_id, template_key, body, variables, related_entity_type, related_entity_id,
          status, scheduled_for, idempotency_key, metadata, segments, encoding, priority,
          expires_at, sandbox, payload_hash)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
          CASE WHEN $12 > now() THEN 'pending' ELSE 'queued' END, $12, $13, coalesce($14, '{}'),
          $15, $16, $17, $18, $19, $20
         WHERE NOT EXISTS (SELECT FROM @extschema@.sms_suppression
                            WHERE org_id = $2 AND phone = ANY ($22))
           AND NOT EXISTS (SELECT FROM @extschema@.sms_opt_outs o
                            WHERE o.phone = ANY ($22)
                              AND @internal@.sms_sends_as($2, $5, o.account_sid, o.sender))
           AND NOT EXISTS (SELECT FROM @extschema@.sms_idempotency_keys
                            WHERE org_id = $2 AND idempotency_key = $13)
        ON CONFLICT (org_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id, org_id, metadata, priority, expires_at)
       INSERT INTO @internal@.sms_queue (message_id, org_id, zone, priority, due_at, expires_at)
       SELECT id, org_id, @internal@.sms_zone_of(metadata), priority, $21, expires_at FROM message
       RETURNING zone)sql",
                         {UUIDOID, UUIDOID,  UUIDOID,        TEXTOID,     TEXTOID, UUIDOID,
                          TEXTOID, TEXTOID,  JSONBOID,       TEXTOID,     UUIDOID, TIMESTAMPTZOID,
                          TEXTOID, JSONBOID, INT4OID,        TEXTOID,     INT2OID, TIMESTAMPTZOID,
                          BOOLOID, BYTEAOID, TIMESTAMPTZOID, TEXTARRAYOID}};

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
  begin_storing(ready.id);
  const bool stored =
      insert_message.run(
          ready.id, wanted.org_id, Parameter(wanted.client_id, wanted.has_client_id),
          ready.to_phone, wanted.from_phone, Parameter(ready.template_id, ready.has_template_id),
          wanted.template_key, ready.body, wanted.variables, wanted.related_entity_type,
          Parameter(wanted.related_entity_id, wanted.has_related_entity_id), ready.scheduled_for,
          wanted.idempotency_key, wanted.metadata, ready.segments, ready.encoding, wanted.priority,
          Parameter(wanted.expires_at, wanted.has_expires_at), ready.sandbox, ready.payload_hash,
          ready.due_at, suppression_keys(ready.to_phone)) == 1;
  --depth;
  *id = ready.id;
  if (stored)
    wake_note(&wanted.org_id, text_column(0, 1), wanted.priority, ready.due_at);
  else if (wanted.idempotency_key == nullptr || !find_first(wanted, ready, id, failure))
    fail_suppressed(wanted, ready, failure);
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
