#include "pg/base/cpp_boundary.hpp"

#include "pg/limits/client_limits.hpp"

#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"

namespace coach_sms {

// Whether a message counts that has not ended: it is in flight, or falls due in the 24 hours.
constexpr char kToCome[] = R"sql(
    m.org_id = $1 AND CASE
      WHEN m.status IN ('sending', 'unknown') THEN now() > $5 - interval '24 hours'
      WHEN m.status IN ('pending', 'queued') THEN
        (SELECT q.due_at > $5 - interval '24 hours' AND q.due_at <= $5
           FROM @internal@.sms_queue q WHERE q.message_id = m.id) END)sql";

int64 count_for_client(const pg_uuid_t& org_id, const pg_uuid_t* client_id, Datum keys,
                       bool sandbox, TimestampTz due_at) {
  // The count of messages is split in two, so that each part has its index.
  static constexpr auto kSql = join_sql(R"sql(
      SELECT (SELECT count(*) FROM @extschema@.sms_attempts a
               WHERE a.org_id = $1 AND a.client_key = ANY ($3) AND a.provider = $4
                 AND a.created_at > $5 - interval '24 hours' AND)sql",
                                        kAttemptCounts, R"sql(
      )
      + (SELECT count(*) FROM @extschema@.sms_messages m WHERE m.client_id = $2 AND)sql",
                                        kToCome, R"sql(
      )
      + (SELECT count(*) FROM @extschema@.sms_messages m
          WHERE $2 IS NULL AND m.to_phone = ANY ($3) AND m.client_id IS NULL AND)sql",
                                        kToCome, R"sql(
      ))sql");
  static Statement read{kSql.data(), {UUIDOID, UUIDOID, TEXTARRAYOID, TEXTOID, TIMESTAMPTZOID}};
  read.run(org_id, client_id, keys, sandbox ? "sandbox" : "twilio", due_at);
  return bigint_column(0, 1);
}

}  // namespace coach_sms
