#include "pg/base/cpp_boundary.hpp"

#include "pg/messages/claims.hpp"

#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

int64 new_fence() {
  int64 fence;
  if (!pg_strong_random(&fence, sizeof fence))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
  return fence == 0 ? 1 : fence;
}

namespace {

// The parameters of a claim: $1 org, $2 zone, $3 priority, $4 and $5 a place in the lane, $6 now,
// $7 limit, $8 fence, $9 lease (ms), $10 the server's account.
constexpr char kDue[] = R"sql(
    WITH due AS MATERIALIZED (
     SELECT q.message_id, q.due_at, q.failures
       FROM @internal@.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
      WHERE)sql";

constexpr char kInOrder[] = R"sql(
      AND q.due_at <= $6 AND m.status IN ('pending', 'queued')
    ORDER BY)sql";

constexpr char kClaim[] = R"sql(
    LIMIT $7
     FOR UPDATE OF q SKIP LOCKED FOR NO KEY UPDATE OF m SKIP LOCKED),
    unqueued AS (
    DELETE FROM @internal@.sms_queue q USING due WHERE q.message_id = due.message_id),
    sending AS (
    UPDATE @extschema@.sms_messages m
       SET status = 'sending', attempt_count = m.attempt_count + 1, updated_at = now()
      FROM due WHERE m.id = due.message_id
    RETURNING m.id, m.attempt_count, due.failures, due.due_at, m.to_phone, m.from_phone,
      m.body, @internal@.sms_ends_at(m.scheduled_for, m.expires_at) AS expires_at, m.sandbox,
      coalesce(m.client_id::text, @internal@.sms_phone_key(m.to_phone)) AS client_key,
      m.segments, coalesce(m.related_entity_type = 'booking', false) AS about_booking),
    leased AS (
    INSERT INTO @internal@.sms_in_flight (message_id, org_id, fence, attempt_number, failures,
      priority, claimed_at, lease_until, account_sid, client_key, segments)
    SELECT id, $1, $8, attempt_count, failures, $3, $6,
      $6 + $9 * interval '1 millisecond',
      coalesce((SELECT nullif(s.twilio_account_sid, '') FROM @extschema@.sms_settings s
                 WHERE s.org_id = $1), nullif($10, '')),
      client_key, segments FROM sending
    RETURNING lease_until, account_sid)
    SELECT s.id, s.attempt_count, s.failures, s.to_phone, coalesce(s.from_phone, ''), s.body,
      coalesce((SELECT account_sid FROM leased LIMIT 1), ''), s.due_at,
      (SELECT lease_until FROM leased LIMIT 1), s.expires_at, s.sandbox, s.about_booking,
      s.client_key, s.segments
      FROM sending s ORDER BY s.due_at, s.id)sql";

// Returns the SQL of a claim among the rows that `which` describes, in `order`.
template <std::size_t Which, std::size_t InOrder>
constexpr auto claim_sql(const char (&which)[Which], const char (&order)[InOrder]) {
  return join_sql(kDue, which, kInOrder, order, kClaim);
}

constexpr std::initializer_list<Oid> kClaimTypes = {
    UUIDOID,        TEXTOID, INT2OID, TIMESTAMPTZOID, UUIDOID,
    TIMESTAMPTZOID, INT8OID, INT8OID, INT4OID,        TEXTOID};

int claim_with(Statement& claim, const LaneId& lane, int64 fence, TimestampTz place_due,
               const pg_uuid_t& place_id, int limit, Claimed* claimed) {
  const TimestampTz now = GetCurrentTimestamp();
  const uint64 count =
      claim.run(lane.org_id, lane.zone, lane.priority, place_due, place_id, now, int64{limit},
                fence, settings::effective_lease_ms(), settings::twilio_account_sid());
  for (uint64 row = 0; row < count; ++row) {
    Claimed& one = claimed[row];
    one.message_id = uuid_column(row, 1);
    one.org_id = lane.org_id;
    one.zone = lane.zone;
    one.fence = fence;
    one.attempt = int_column(row, 2);
    one.failures = int_column(row, 3);
    one.priority = lane.priority;
    one.to_phone = text_column(row, 4);
    one.from_phone = text_column(row, 5);
    one.body = text_column(row, 6);
    one.account_sid = text_column(row, 7);
    one.due_at = time_column(row, 8, 0);
    one.claimed_at = now;
    one.lease_until = time_column(row, 9, 0);
    one.expires_at = time_column(row, 10, DT_NOEND);
    one.sandbox = bool_column(row, 11);
    one.about_booking = bool_column(row, 12);
    one.client_key = text_column(row, 13);
    one.segments = int_column(row, 14);
  }
  return static_cast<int>(count);
}

}  // namespace

constexpr char kBehindTheMark[] = R"sql(
    q.org_id = $1 AND q.zone = $2 AND q.priority = $3
     AND (q.due_at, q.message_id) > ($4, $5))sql";

int claim_due(const LaneId& lane, int64 fence, TimestampTz after_due, const pg_uuid_t& after_id,
              int limit, Claimed* claimed) {
  static constexpr auto kSql = claim_sql(kBehindTheMark, " q.due_at, q.message_id");
  static Statement claim{kSql.data(), kClaimTypes};
  return claim_with(claim, lane, fence, after_due, after_id, limit, claimed);
}

// The subquery chooses rows without locks, since locks keep a sort from stopping early. It chooses
// 100 more than wanted, because other sessions may have locked some. IS NOT DISTINCT FROM keeps the
// lane's index out: the chosen rows are found by their ids.
constexpr char kSoonestSessions[] = R"sql(
    (q.org_id, q.zone, q.priority) IS NOT DISTINCT FROM ($1, $2, $3)
     AND q.message_id = ANY (ARRAY(
     SELECT w.message_id FROM @internal@.sms_queue w
      WHERE w.org_id = $1 AND w.zone = $2 AND w.priority = $3 AND w.due_at < $4
      ORDER BY w.expires_at, w.due_at, w.message_id LIMIT $7 + 100))
     AND $5 IS NOT NULL)sql";

int claim_waited(const LaneId& lane, int64 fence, TimestampTz opened_at, int limit,
                 Claimed* claimed) {
  static constexpr auto kSql = claim_sql(kSoonestSessions, " q.expires_at, q.due_at, q.message_id");
  static Statement claim{kSql.data(), kClaimTypes};
  return claim_with(claim, lane, fence, opened_at, pg_uuid_t{}, limit, claimed);
}

int64 count_waited(const LaneId& lane, TimestampTz opened_at) {
  static Statement read{
      R"sql(
      SELECT count(*) FROM @internal@.sms_queue
       WHERE org_id = $1 AND zone = $2 AND priority = $3 AND due_at < $4)sql",
      {UUIDOID, TEXTOID, INT2OID, TIMESTAMPTZOID}};
  read.run(lane.org_id, lane.zone, lane.priority, opened_at);
  return bigint_column(0, 1);
}

TimestampTz next_due_in_lane(const LaneId& lane, TimestampTz after_due, const pg_uuid_t& after_id) {
  static Statement peek{
      R"sql(
      SELECT q.due_at FROM @internal@.sms_queue q
       WHERE q.org_id = $1 AND q.zone = $2 AND q.priority = $3
         AND (q.due_at, q.message_id) > ($4, $5)
         AND q.due_at > now() ORDER BY q.due_at LIMIT 1)sql",
      {UUIDOID, TEXTOID, INT2OID, TIMESTAMPTZOID, UUIDOID}};
  if (peek.run(lane.org_id, lane.zone, lane.priority, after_due, after_id) == 0) return DT_NOEND;
  return time_column(0, 1, DT_NOEND);
}

}  // namespace coach_sms
