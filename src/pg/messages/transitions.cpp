#include "pg/messages/transitions.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

// The parameters are those of run_and_mark(). `free` are the messages that no other session has
// locked. The join is by key only, since a join of two such lists would cost the square of the
// batch.
constexpr char kFreeResults[] = R"sql(
    WITH free AS MATERIALIZED (
     SELECT r.*
       FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         AS r (message_id, fence, sid, error_code, error_message, request, response, http_status,
               duration_ms, told_segments, at, failures)
       JOIN @extschema@.sms_messages m ON m.id = r.message_id AND m.org_id = $1
      ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED),)sql";

// Ends the claim: deletes its in-flight row, by message and fence.
constexpr char kSettled[] = R"sql(
    settled AS (
    DELETE FROM @internal@.sms_in_flight f USING free r
     WHERE f.message_id = r.message_id AND f.org_id = $1 AND f.fence = r.fence
     RETURNING r.*, f.attempt_number, f.client_key, f.segments, f.priority, f.settlement))sql";

constexpr char kAttempt[] = R"sql(
    , attempt AS (
     INSERT INTO @extschema@.sms_attempts (message_id, attempt_number, provider,
       provider_message_id, request_payload, response_payload, response_status, status,
       error_code, error_message, org_id, client_key, segments, duration_ms)
     SELECT message_id, attempt_number, $14, sid, coalesce(request::jsonb, settlement->'request'),
       coalesce(response::jsonb, settlement->'response'),
       coalesce(http_status, (settlement->>'http_status')::int), $15,
       coalesce(error_code, CASE WHEN $15 <> 'success' THEN settlement->>'error_code' END),
       coalesce(error_message, CASE WHEN $15 <> 'success' THEN settlement->>'error_message' END),
       $1, client_key,
       coalesce(told_segments, segments), coalesce(duration_ms, (settlement->>'duration_ms')::int)
      FROM settled))sql";

// Puts the messages back into their lanes of the queue.
constexpr char kQueuedAgain[] = R"sql(
    queue AS (
    INSERT INTO @internal@.sms_queue (message_id, org_id, zone, priority, failures, due_at,
      expires_at, held_for)
    SELECT id, $1, @internal@.sms_zone_of(metadata), priority, failures, at, expires_at,
      held_for FROM queued))sql";

constexpr std::initializer_list<Oid> kResultTypes = {
    UUIDOID,      UUIDARRAYOID,        INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
    TEXTARRAYOID, TEXTARRAYOID,        TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID,
    INT4ARRAYOID, TIMESTAMPTZARRAYOID, INT4ARRAYOID, TEXTOID,      TEXTOID};

}  // namespace

// --- sending | unknown → sent -------------------------------------------------------------------

void record_sent(const AttemptResults& results, const char* provider) {
  // A callback may have come before the answer: its status and error stay. An error that was
  // recorded while the outcome was unknown goes.
  static constexpr auto kSql = join_sql(kFreeResults, kSettled, kAttempt, R"sql(
      , sent AS (
       UPDATE @extschema@.sms_messages m
          SET status = CASE WHEN m.status IN ('sending', 'unknown') THEN 'sent' ELSE m.status END,
              sent_at = coalesce(m.sent_at, now()), provider_message_id = s.sid,
              segments = coalesce(s.told_segments, m.segments), updated_at = now(),
              error_code = CASE WHEN m.status NOT IN ('sending', 'unknown') THEN m.error_code END,
              error_message =
                CASE WHEN m.status NOT IN ('sending', 'unknown') THEN m.error_message END
         FROM settled s WHERE m.id = s.message_id)
       SELECT message_id FROM settled)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, provider, "success");
}

// --- sending | unknown → failed -----------------------------------------------------------------

void record_failed(const AttemptResults& results, const char* provider,
                   const char* attempt_status) {
  static constexpr auto kSql = join_sql(kFreeResults, kSettled, kAttempt, R"sql(
      , failed AS (
       UPDATE @extschema@.sms_messages m
          SET status = 'failed', failed_at = now(), updated_at = now(),
              error_code = s.error_code, error_message = s.error_message,
              provider_message_id = coalesce(s.sid, m.provider_message_id)
         FROM settled s WHERE m.id = s.message_id AND m.status IN ('sending', 'unknown'))
       SELECT message_id FROM settled)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, provider, attempt_status);
}

// --- sending | unknown → queued -----------------------------------------------------------------

void record_retry(const AttemptResults& results, const char* provider, const char* attempt_status) {
  static constexpr auto kSql = join_sql(kFreeResults, kSettled, kAttempt, R"sql(
      , queued AS (
       UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now(),
         error_code = NULL, error_message = NULL
         FROM settled s WHERE m.id = s.message_id AND m.status IN ('sending', 'unknown')
       RETURNING m.id, m.metadata, m.expires_at, s.priority, s.failures, s.at, NULL AS held_for),)sql",
                                        kQueuedAgain, R"sql(
      SELECT message_id FROM settled)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, provider, attempt_status);
}

// --- sending → unknown --------------------------------------------------------------------------

void record_unknown(const AttemptResults& results) {
  // The attempt is written once its outcome is known. Until then the in-flight row keeps the facts
  // of the request, and counts against the limits.
  static constexpr auto kSql = join_sql(kFreeResults, R"sql(
      kept AS (
      UPDATE @internal@.sms_in_flight f
         SET state = 'unknown', next_look_at = r.at,
             settlement = jsonb_strip_nulls(jsonb_build_object('provider', $14,
               'attempt_status', $15, 'error_code', r.error_code,
               'error_message', r.error_message, 'request', r.request::jsonb,
               'response', r.response::jsonb, 'http_status', r.http_status,
               'duration_ms', r.duration_ms))
        FROM free r WHERE f.message_id = r.message_id AND f.org_id = $1 AND f.fence = r.fence
         AND f.state = 'leased'
      RETURNING r.*),
      unknown AS (
      UPDATE @extschema@.sms_messages m
         SET status = 'unknown', updated_at = now(), error_code = k.error_code,
             error_message = k.error_message
        FROM kept k WHERE m.id = k.message_id AND m.status = 'sending')
      SELECT message_id FROM kept)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, "twilio", "unknown");
}

// --- sending → queued | cancelled, no request made ----------------------------------------------

void requeue(const AttemptResults& results) {
  static constexpr auto kSql = join_sql(kFreeResults, kSettled, R"sql(
      , queued AS (
       UPDATE @extschema@.sms_messages m
          SET status = 'queued', attempt_count = m.attempt_count - 1, updated_at = now()
         FROM settled s WHERE m.id = s.message_id AND m.status = 'sending'
       RETURNING m.id, m.metadata, m.expires_at, s.priority, s.failures, s.at,
         CASE s.error_code WHEN 'client_daily_limit' THEN s.error_code END AS held_for),)sql",
                                        kQueuedAgain, R"sql(
      SELECT message_id FROM settled WHERE $14 <> $15)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, "none", "unsent");
}

void cancel(const AttemptResults& results) {
  static constexpr auto kSql = join_sql(kFreeResults, kSettled, R"sql(
      , cancelled AS (
       UPDATE @extschema@.sms_messages m
          SET status = 'cancelled', attempt_count = m.attempt_count - 1, updated_at = now(),
              error_code = s.error_code, error_message = s.error_message
         FROM settled s WHERE m.id = s.message_id AND m.status = 'sending')
       SELECT message_id FROM settled WHERE $14 <> $15)sql");
  static Statement record{kSql.data(), kResultTypes};
  run_and_mark(record, results, "none", "unsent");
}

// --- housekeeping -------------------------------------------------------------------------------

void take_back_unsent(int64 fence) {
  static Statement take_back{
      R"sql(
      WITH unsent AS MATERIALIZED (
       SELECT f.message_id FROM @internal@.sms_in_flight f
         JOIN @extschema@.sms_messages m ON m.id = f.message_id
        WHERE f.state = 'leased' AND f.fence = $1 AND m.status = 'sending'
        ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED),
       settled AS (
       DELETE FROM @internal@.sms_in_flight f USING unsent u WHERE f.message_id = u.message_id
       RETURNING f.message_id, f.org_id, f.priority, f.failures),
       queued AS (
       UPDATE @extschema@.sms_messages m
          SET status = 'queued', attempt_count = m.attempt_count - 1, updated_at = now()
         FROM settled s WHERE m.id = s.message_id
       RETURNING m.id, m.metadata, m.expires_at, s.org_id, s.priority, s.failures)
       INSERT INTO @internal@.sms_queue (message_id, org_id, zone, priority, failures, due_at,
         expires_at)
       SELECT id, org_id, @internal@.sms_zone_of(metadata), priority, failures, now(),
         expires_at FROM queued)sql",
      {INT8OID}};
  take_back.run(fence);
}

uint64 expire_leases(const pg_uuid_t* in_hand, int count, bool all) {
  static Statement expire{
      R"sql(
      WITH orphan AS MATERIALIZED (
       SELECT f.message_id, m.sandbox, m.metadata, m.expires_at FROM @internal@.sms_in_flight f
         JOIN @extschema@.sms_messages m ON m.id = f.message_id
        WHERE f.state = 'leased' AND ($2 OR f.lease_until < now()) AND f.message_id <> ALL ($1)
        ORDER BY f.message_id LIMIT 1000 FOR NO KEY UPDATE OF m SKIP LOCKED),
       unsent AS (
       DELETE FROM @internal@.sms_in_flight f USING orphan o
        WHERE f.message_id = o.message_id AND o.sandbox
       RETURNING f.message_id, f.org_id, o.metadata, f.priority, f.failures, o.expires_at),
       queue AS (
       INSERT INTO @internal@.sms_queue (message_id, org_id, zone, priority, failures, due_at,
         expires_at)
       SELECT message_id, org_id, @internal@.sms_zone_of(metadata), priority, failures, now(),
         expires_at FROM unsent),
       kept AS (
       UPDATE @internal@.sms_in_flight f
          SET state = 'unknown', next_look_at = greatest(now(), f.claimed_at) + $3 * interval
              '1 millisecond',
              settlement = jsonb_build_object('error_code', 'sender_lost', 'error_message',
                'the sender ended between the claim and the record of an answer')
         FROM orphan o WHERE f.message_id = o.message_id AND NOT o.sandbox),
       moved AS (
       UPDATE @extschema@.sms_messages m
          SET status = CASE WHEN o.sandbox THEN 'queued' ELSE 'unknown' END, updated_at = now(),
              error_code = CASE WHEN NOT o.sandbox THEN 'sender_lost' END,
              error_message = CASE WHEN NOT o.sandbox THEN
                'the sender ended between the claim and the record of an answer' END
         FROM orphan o WHERE m.id = o.message_id AND m.status = 'sending')
       SELECT message_id FROM orphan)sql",
      {UUIDARRAYOID, BOOLOID, INT4OID}};
  return expire.run(uuids_of(
                        count, [&](int i) -> auto& { return in_hand[i]; }),
                    all, settings::reconcile_delay);
}

uint64 expire_waiting(int limit) {
  static Statement expire{
      R"sql(
      WITH late AS MATERIALIZED (
       SELECT m.id FROM @extschema@.sms_messages m JOIN @internal@.sms_queue q
           ON q.message_id = m.id
        WHERE q.expires_at <= now() AND m.status IN ('pending', 'queued')
        ORDER BY q.expires_at LIMIT $1
        FOR NO KEY UPDATE OF m SKIP LOCKED FOR UPDATE OF q SKIP LOCKED),
       unqueued AS (
       DELETE FROM @internal@.sms_queue q USING late WHERE q.message_id = late.id)
       UPDATE @extschema@.sms_messages m
          SET status = 'cancelled', error_code = 'expired', updated_at = now(),
              error_message = 'it could not go before its expires_at'
         FROM late WHERE m.id = late.id)sql",
      {INT4OID}};
  return expire.run(limit);
}

uint64 expire_overdue(const pg_uuid_t& after, const pg_uuid_t& last) {
  // Rows that fall due later are scheduled later, except those that the client's limit holds.
  static Statement expire{
      R"sql(
      WITH late AS MATERIALIZED (
       SELECT m.id FROM @internal@.sms_queue q JOIN @extschema@.sms_messages m
           ON m.id = q.message_id
        WHERE q.message_id > $1 AND q.message_id <= $2
          AND (q.due_at <= now() OR q.held_for IS NOT NULL)
          AND @internal@.sms_ends_at(m.scheduled_for, m.expires_at) <= now()
          AND m.status IN ('pending', 'queued')
        ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED FOR UPDATE OF q SKIP LOCKED),
       unqueued AS (
       DELETE FROM @internal@.sms_queue q USING late WHERE q.message_id = late.id)
       UPDATE @extschema@.sms_messages m
          SET status = 'cancelled', error_code = 'expired', updated_at = now(),
              error_message = 'it could not go within coach_sms.max_wait after it was due'
         FROM late WHERE m.id = late.id)sql",
      {UUIDOID, UUIDOID}};
  return expire.run(after, last);
}

uint64 promote_due(const pg_uuid_t& after, int limit, pg_uuid_t* last) {
  static Statement promote{
      R"sql(
      WITH next AS MATERIALIZED (
       SELECT message_id, due_at FROM @internal@.sms_queue WHERE message_id > $1
        ORDER BY message_id LIMIT $2),
       due AS MATERIALIZED (
       SELECT m.id FROM next n JOIN @extschema@.sms_messages m ON m.id = n.message_id
        WHERE n.due_at <= now() AND m.status = 'pending' ORDER BY m.id
        FOR NO KEY UPDATE OF m SKIP LOCKED),
       promoted AS (
       UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now()
         FROM due WHERE m.id = due.id)
       SELECT message_id, count(*) OVER () FROM next ORDER BY message_id DESC LIMIT 1)sql",
      {UUIDOID, INT4OID}};
  if (promote.run(after, limit) == 0) return 0;
  *last = uuid_column(0, 1);
  return static_cast<uint64>(bigint_column(0, 2));
}

}  // namespace coach_sms
