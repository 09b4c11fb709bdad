#include "pg/base/cpp_boundary.hpp"

#include "pg/sender/client_limit_check.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/limits/client_limits.hpp"
#include "pg/messages/join_sql.hpp"

namespace coach_sms {

namespace {

// While messages in flight fill the limit, the client is checked again after this time.
constexpr int64 kAskAgain = INT64CONST(10) * USECS_PER_SEC;

// One client of the claimed messages, and the counts against the client's limit.
struct Client {
  const Claimed* first;
  int64 limit;
  int64 settled;  // in the last 24 hours
  int64 flying;   // in flight, without this batch
};

bool is_same_client(const Claimed& one, const Claimed& other) {
  return memcmp(&one.org_id, &other.org_id, UUID_LEN) == 0 &&
         strcmp(one.client_key, other.client_key) == 0;
}

// Returns whether the key is a client's id. Without a client it is a number in E.164 form.
bool has_client(const Claimed& one) {
  return one.client_key[0] != '+';
}

// Messages in flight are found among the client's messages, since all messages in flight may be
// many more.
constexpr char kFlying[] = R"sql(
    m.org_id = c.org_id AND m.status IN ('sending', 'unknown') AND m.id <> ALL ($6))sql";

int read_clients(const Claimed* claimed, int count, const char* provider, Client* clients) {
  static constexpr auto kSql = join_sql(R"sql(
      WITH client AS (
       SELECT min(t.position) AS position, t.org_id, t.client_id::uuid,
         CASE WHEN t.client_id IS NULL THEN @internal@.sms_phone_names(t.phone)
              ELSE ARRAY[t.client_id] END AS keys
         FROM unnest($1, $2, $3, $4) AS t (position, org_id, client_id, phone)
             GROUP BY t.org_id, t.client_id, t.phone)
       SELECT c.position, s.max_sms_per_client_per_day::bigint,
         (SELECT count(*) FROM @extschema@.sms_attempts a
           WHERE a.org_id = c.org_id AND a.client_key = ANY (c.keys)
             AND a.created_at > now() - interval '24 hours' AND a.provider = $5 AND)sql",
                                        kAttemptCounts, R"sql(
      ),
         (SELECT count(*) FROM @extschema@.sms_messages m
           WHERE m.client_id = c.client_id AND)sql",
                                        kFlying, R"sql(
      )
         + (SELECT count(*) FROM @extschema@.sms_messages m
             WHERE c.client_id IS NULL AND m.to_phone = ANY (c.keys) AND m.client_id IS NULL
               AND)sql",
                                        kFlying, R"sql(
      )
         FROM client c JOIN @extschema@.sms_settings s ON s.org_id = c.org_id
        WHERE s.max_sms_per_client_per_day IS NOT NULL)sql");
  static Statement read{
      kSql.data(), {INT4ARRAYOID, UUIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, UUIDARRAYOID}};
  const uint64 found = read.run(
      positions_of(count),
      uuids_of(
          count, [&](int i) -> auto& { return claimed[i].org_id; }),
      texts_of(count,
               [&](int i) { return has_client(claimed[i]) ? claimed[i].client_key : nullptr; }),
      texts_of(count,
               [&](int i) { return has_client(claimed[i]) ? nullptr : claimed[i].client_key; }),
      provider,
      uuids_of(
          count, [&](int i) -> auto& { return claimed[i].message_id; }));
  for (uint64 row = 0; row < found; ++row)
    clients[row] = {&claimed[int_column(row, 1)], bigint_column(row, 2), bigint_column(row, 3),
                    bigint_column(row, 4)};
  return static_cast<int>(found);
}

// Returns when the client's limit has room for one more message, if no other message is handed over
// until then.
TimestampTz room_at(const Claimed& one, const Client& client, int64 handed, const char* provider) {
  static constexpr auto kSql = join_sql(R"sql(
      SELECT a.created_at + interval '24 hours' FROM @extschema@.sms_attempts a
       WHERE a.org_id = $1 AND a.client_key = ANY (CASE WHEN $2 LIKE '+%' THEN
         @internal@.sms_phone_names($2) ELSE ARRAY[$2] END)
             AND a.created_at > now() - interval '24 hours'
         AND a.provider = $3 AND)sql",
                                        kAttemptCounts, R"sql(
      ORDER BY a.created_at OFFSET $4 LIMIT 1)sql");
  static Statement read{kSql.data(), {UUIDOID, TEXTOID, TEXTOID, INT8OID}};
  const TimestampTz soon = GetCurrentTimestamp() + kAskAgain;
  if (client.limit == 0) return soon + USECS_PER_HOUR;  // a raised limit wakes the sender at once
  if (client.settled < client.limit) return soon;  // messages in flight may not count in the end
  if (read.run(one.org_id, one.client_key, provider, handed - client.limit) == 0) return soon;
  return time_column(0, 1, soon);
}

void check_client(const Client& client, const Claimed* claimed, int count, const char* provider,
                  Checked* checked) {
  // Each message of the batch counts as it passes.
  int64 handed = client.settled + client.flying;
  for (int i = 0; i < count; ++i) {
    if (!is_same_client(claimed[i], *client.first) || checked[i].verdict != Verdict::kSend)
      continue;
    if (handed++ < client.limit) continue;
    checked[i].verdict = Verdict::kRequeue;
    checked[i].reason = "client_daily_limit";
    --handed;
    checked[i].when = room_at(claimed[i], client, handed, provider);
  }
}

}  // namespace

void check_client_limits(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked) {
  const char* provider = sandbox_mode ? "sandbox" : "twilio";
  auto* clients = static_cast<Client*>(palloc(sizeof(Client) * static_cast<Size>(count)));
  const int found = read_clients(claimed, count, provider, clients);
  for (int i = 0; i < found; ++i)
    check_client(clients[i], claimed, count, provider, checked);
}

}  // namespace coach_sms
