#include "pg/messages/upkeep.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

// Counts the messages in `ended` that coach_sms.max_wait has ended before their own expires_at.
constexpr char kCountOverdue[] = R"sql(
    INSERT INTO @internal@.sms_overdue (org_id, sandbox, messages)
    SELECT org_id, sandbox, count(*) FROM ended
     WHERE @internal@.sms_ends_at(scheduled_for, NULL) < least(now(), expires_at)
     GROUP BY org_id, sandbox)sql";

}  // namespace

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

void expire_overdue(const pg_uuid_t& after, const pg_uuid_t& last) {
  // Rows that fall due later are scheduled later, except those that the client's limit holds.
  static constexpr auto kSql = join_sql(R"sql(
      WITH late AS MATERIALIZED (
       SELECT m.id FROM @internal@.sms_queue q JOIN @extschema@.sms_messages m
           ON m.id = q.message_id
        WHERE q.message_id > $1 AND q.message_id <= $2
          AND (q.due_at <= now() OR q.held_for IS NOT NULL)
          AND @internal@.sms_ends_at(m.scheduled_for, m.expires_at) <= now()
          AND m.status IN ('pending', 'queued')
        ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED FOR UPDATE OF q SKIP LOCKED),
       unqueued AS (
       DELETE FROM @internal@.sms_queue q USING late WHERE q.message_id = late.id),
       forgotten AS (
       DELETE FROM @internal@.sms_overdue
        WHERE ended_at <= now() - current_setting('coach_sms.max_wait')::interval),
       ended AS (
       UPDATE @extschema@.sms_messages m
          SET status = 'cancelled', error_code = 'expired', updated_at = now(),
              error_message = 'it could not go within coach_sms.max_wait after it was due'
         FROM late WHERE m.id = late.id RETURNING m.*))sql",
                                        kCountOverdue);
  static Statement expire{kSql.data(), {UUIDOID, UUIDOID}};
  expire.run(after, last);
}

void note_expired(const pg_uuid_t& message_id) {
  static constexpr auto kSql = join_sql(R"sql(
      WITH ended AS (SELECT * FROM @extschema@.sms_messages WHERE id = $1))sql",
                                        kCountOverdue);
  static Statement note{kSql.data(), {UUIDOID}};
  note.run(message_id);
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
