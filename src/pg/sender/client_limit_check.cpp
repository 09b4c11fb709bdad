#include <algorithm>
#include <numeric>

#include "core/sending/claim.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/sender/client_limit_check.hpp"

#include "pg/base/ids.hpp"
#include "pg/base/soft_input.hpp"
#include "pg/base/statement.hpp"
#include "pg/limits/client_limits.hpp"
#include "pg/messages/join_sql.hpp"

namespace coach_sms {

namespace {

// While messages in flight fill the limit, the client is checked again after this time.
constexpr int64 kAskAgain = INT64CONST(10) * USECS_PER_SEC;

// A client of the claimed messages, its messages among them, and the counts against its limit.
struct Counted {
  const int* positions;  // in the batch
  int count;
  int limit;
  int settled;    // in the last 24 hours
  int in_flight;  // without this batch
};

int compare_clients(const Claimed& one, const Claimed& other) {
  const auto by_org = one.org <=> other.org;
  if (by_org != 0) return by_org < 0 ? -1 : 1;
  return strcmp(one.client_key, other.client_key);
}

// Returns the positions of the batch, sorted by client.
int* sorted_by_client(const Claimed* claimed, int count) {
  auto* positions = static_cast<int*>(palloc(sizeof(int) * static_cast<Size>(count)));
  std::iota(positions, positions + count, 0);
  std::sort(positions, positions + count, [&](int one, int other) {
    const int order = compare_clients(claimed[one], claimed[other]);
    return order != 0 ? order < 0 : one < other;
  });
  return positions;
}

// Returns the client. Without an id, client_key is a number in E.164 form.
Client client_of_claim(const Claimed& one, bool sandbox) {
  const bool has_id = one.client_key[0] != '+';
  pg_uuid_t id;
  if (has_id && !parse_uuid(one.client_key, &id))
    elog(ERROR, "client key \"%s\" is neither an id nor a number", one.client_key);
  return client_of(to_pg(one.org), has_id ? &id : nullptr,
                   has_id ? nullptr : cstring_to_text(one.client_key), sandbox);
}

// Returns the ids of the client's messages in the batch.
pg_uuid_t* ids_of(const Claimed* claimed, const int* positions, int count) {
  auto* ids = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * static_cast<Size>(count)));
  for (int i = 0; i < count; ++i)
    ids[i] = to_pg(claimed[positions[i]].message);
  return ids;
}

// Returns when the client's limit has room for one more message, if no other message is handed over
// until then.
TimestampTz room_at(const Claimed& one, const Counted& client, int handed, const char* provider) {
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
  if (read.run(one.org, one.client_key, provider, int64{handed} - client.limit) == 0) return soon;
  return time_column(0, 1, soon);
}

void check_client(const Counted& client, const Claimed* claimed, const char* provider,
                  Checked* checked) {
  // Each message of the batch counts as it passes.
  int handed = client.settled + client.in_flight;
  for (int i = 0; i < client.count; ++i) {
    const int at = client.positions[i];
    if (checked[at].verdict != Verdict::kSend) continue;
    if (handed++ < client.limit) continue;
    checked[at].verdict = Verdict::kRequeue;
    checked[at].reason = "client_daily_limit";
    --handed;
    checked[at].when = room_at(claimed[at], client, handed, provider);
  }
}

}  // namespace

void check_client_limits(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked) {
  const char* provider = sandbox_mode ? "sandbox" : "twilio";
  const int* positions = sorted_by_client(claimed, count);
  Command command;
  ClientCounter counter;
  command.begin();
  counter.open(&command);
  for (int begin = 0, end = 0; begin < count; begin = end) {
    const Claimed& first = claimed[positions[begin]];
    while (end < count && compare_clients(claimed[positions[end]], first) == 0)
      ++end;
    const int limit = checked[positions[begin]].route->client_limit;
    if (limit < 0) continue;
    const Client client = client_of_claim(first, sandbox_mode);
    const int ours = end - begin;
    const pg_uuid_t* ids = ids_of(claimed, positions + begin, ours);
    const Counted counted{positions + begin, ours, limit, counter.count_settled(client),
                          counter.count_in_flight(client, ids, ours)};
    check_client(counted, claimed, provider, checked);
  }
  counter.close();
  command.end();
}

}  // namespace coach_sms
