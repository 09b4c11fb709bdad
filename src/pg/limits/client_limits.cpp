#include "pg/limits/client_limits.hpp"

#include "pg/base/uuids.hpp"
#include "pg/consent/suppression_keys.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

// A message is scheduled 366 days ahead at most (message_times.cpp), so an older one does not wait.
constexpr int64 kOldestWaiting = INT64CONST(368) * USECS_PER_DAY;

// The count of one client, and the tables that it reads.
struct Count {
  const pg_uuid_t& org_id;
  bool sandbox;
  TimestampTz due_at;
  int limit;
  int so_far = 0;
  Table messages{};
  Table queue{};
  Table attempts{};

  bool is_full() const { return so_far >= limit; }
  TimestampTz since() const { return due_at - USECS_PER_DAY; }
};

bool is_due_within(const pg_uuid_t& message_id, Count* count) {
  Scan scan;
  scan.begin(&count->queue, {{queue::kMessageId, Parameter(message_id)}});
  bool found = false;
  if (scan.next()) {
    const TimestampTz due_at = scan.row.time(queue::kDueAt, DT_NOEND);
    found = due_at > count->since() && due_at <= count->due_at;
  }
  scan.end();
  return found;
}

// Returns whether a message counts that has not ended: it is in flight, or falls due in the time.
bool is_to_come(const Row& message, Count* count) {
  if (message.text_is(messages::kStatus, "sending") ||
      message.text_is(messages::kStatus, "unknown"))
    return GetCurrentTransactionStartTimestamp() > count->since();
  return (message.text_is(messages::kStatus, "pending") ||
          message.text_is(messages::kStatus, "queued")) &&
         is_due_within(message.uuid(messages::kId), count);
}

void count_attempts(const Datum key, Count* count) {
  const char* provider = count->sandbox ? "sandbox" : "twilio";
  Scan scan;
  scan.begin(&count->attempts,
             {{attempts::kOrgId, Parameter(count->org_id)},
              {attempts::kClientKey, Parameter(key)},
              {attempts::kCreatedAt, Parameter(count->since()), BTGreaterStrategyNumber}});
  while (!count->is_full() && scan.next())
    if (scan.row.text_is(attempts::kProvider, provider) && attempt_counts(scan.row))
      ++count->so_far;
  scan.end();
}

void count_messages(std::initializer_list<Key> keys, bool of_client, Count* count) {
  Scan scan;
  scan.begin(&count->messages, keys);
  while (!count->is_full() && scan.next())
    if (of_client != scan.row.is_null(messages::kClientId) && is_to_come(scan.row, count))
      ++count->so_far;
  scan.end();
}

void count_client(const pg_uuid_t& client_id, Count* count) {
  const TimestampTz oldest = GetCurrentTransactionStartTimestamp() - kOldestWaiting;
  count_attempts(CStringGetTextDatum(uuid_text(client_id)), count);
  count_messages({{messages::kOrgId, Parameter(count->org_id)},
                  {messages::kClientId, Parameter(client_id)},
                  {messages::kCreatedAt, Parameter(oldest), BTGreaterStrategyNumber}},
                 true, count);
}

void count_number(text* phone, Count* count) {
  for (const Datum key : suppression_keys(phone)) {
    count_attempts(key, count);
    count_messages(
        {{messages::kToPhone, Parameter(key)}, {messages::kOrgId, Parameter(count->org_id)}}, false,
        count);
  }
}

}  // namespace

bool attempt_counts(const Row& attempt) {
  return attempt.text_is(attempts::kStatus, "success") ||
         attempt.text_is(attempts::kStatus, "unknown") ||
         !attempt.is_null(attempts::kProviderMessageId);
}

int count_for_client(const pg_uuid_t& org_id, const pg_uuid_t* client_id, text* phone, bool sandbox,
                     TimestampTz due_at, int limit) {
  Count count{org_id, sandbox, due_at, limit};
  Command command;
  command.begin();
  count.messages.open(&messages::table, TableUse::kRead, &command);
  count.queue.open(&queue::table, TableUse::kRead, &command);
  count.attempts.open(&attempts::table, TableUse::kRead, &command);
  if (client_id != nullptr)
    count_client(*client_id, &count);
  else
    count_number(phone, &count);
  count.attempts.close();
  count.queue.close();
  count.messages.close();
  command.end();
  return count.so_far;
}

}  // namespace coach_sms
