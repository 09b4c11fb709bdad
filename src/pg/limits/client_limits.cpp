#include "pg/limits/client_limits.hpp"

#include <algorithm>

#include "pg/base/uuids.hpp"
#include "pg/consent/suppression_keys.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

// A message is scheduled 366 days ahead at most (message_times.cpp). So an older one neither waits
// nor is in flight, unless it was rescheduled to more than a year after its creation.
constexpr int64 kOldest = INT64CONST(368) * USECS_PER_DAY;

const char* provider_of(bool sandbox) {
  return sandbox ? "sandbox" : "twilio";
}

bool attempt_counts(const Row& attempt) {
  return attempt.text_is(attempts::kStatus, "success") ||
         attempt.text_is(attempts::kStatus, "unknown") ||
         !attempt.is_null(attempts::kProviderMessageId);
}

}  // namespace

void ClientCounter::open(Command* command) {
  messages_.open(&messages::table, TableUse::kRead, command);
  queue_.open(&queue::table, TableUse::kRead, command);
  attempts_.open(&attempts::table, TableUse::kRead, command);
}

void ClientCounter::close() {
  attempts_.close();
  queue_.close();
  messages_.close();
}

int ClientCounter::count_attempts(const Client& client, TimestampTz since) {
  int count = 0;
  for (const Datum key : client.keys) {
    Scan scan;
    scan.begin(&attempts_, {{attempts::kOrgId, Parameter(client.org_id)},
                            {attempts::kClientKey, Parameter(key)},
                            {attempts::kCreatedAt, Parameter(since), BTGreaterStrategyNumber}});
    while (scan.next())
      if (scan.row.text_is(attempts::kProvider, provider_of(client.sandbox)) &&
          attempt_counts(scan.row))
        ++count;
    scan.end();
  }
  return count;
}

// Calls use(row) for each message of the client that may still be under way.
template <typename Use>
void ClientCounter::each_message(const Client& client, Use use) {
  Scan scan;
  if (client.has_id) {
    const TimestampTz oldest = GetCurrentTransactionStartTimestamp() - kOldest;
    scan.begin(&messages_, {{messages::kOrgId, Parameter(client.org_id)},
                            {messages::kClientId, Parameter(client.id)},
                            {messages::kCreatedAt, Parameter(oldest), BTGreaterStrategyNumber}});
    while (scan.next())
      use(scan.row);
    return scan.end();
  }
  for (const Datum key : client.keys) {
    scan.begin(&messages_, {{messages::kToPhone, Parameter(key)},
                            {messages::kOrgId, Parameter(client.org_id)}});
    while (scan.next())
      if (scan.row.is_null(messages::kClientId)) use(scan.row);
    scan.end();
  }
}

bool ClientCounter::is_due_between(const pg_uuid_t& message_id, TimestampTz after,
                                   TimestampTz until) {
  Scan scan;
  scan.begin(&queue_, {{queue::kMessageId, Parameter(message_id)}});
  bool found = false;
  if (scan.next()) {
    const TimestampTz due_at = scan.row.time(queue::kDueAt, DT_NOEND);
    found = due_at > after && due_at <= until;
  }
  scan.end();
  return found;
}

int ClientCounter::count_until(const Client& client, TimestampTz due_at) {
  const TimestampTz since = due_at - USECS_PER_DAY;
  int count = count_attempts(client, since);
  each_message(client, [&](const Row& message) {
    if (messages::is_in_flight(message))
      count += GetCurrentTransactionStartTimestamp() > since ? 1 : 0;
    else if (messages::is_waiting(message) &&
             is_due_between(message.uuid(messages::kId), since, due_at))
      ++count;
  });
  return count;
}

int ClientCounter::count_settled(const Client& client) {
  return count_attempts(client, GetCurrentTransactionStartTimestamp() - USECS_PER_DAY);
}

int ClientCounter::count_in_flight(const Client& client, const pg_uuid_t* except,
                                   int except_count) {
  int count = 0;
  each_message(client, [&](const Row& message) {
    const pg_uuid_t id = message.uuid(messages::kId);
    const bool counts = messages::is_in_flight(message) &&
                        std::none_of(except, except + except_count, [&](const pg_uuid_t& other) {
                          return memcmp(&other, &id, UUID_LEN) == 0;
                        });
    count += counts ? 1 : 0;
  });
  return count;
}

Client client_of(const pg_uuid_t& org_id, const pg_uuid_t* id, text* phone, bool sandbox) {
  Client client{};
  client.org_id = org_id;
  client.sandbox = sandbox;
  client.has_id = id != nullptr;
  if (id != nullptr) {
    client.id = *id;
    client.keys.keys[client.keys.count++] = CStringGetTextDatum(uuid_text(*id));
  } else {
    client.keys = suppression_keys(phone);
  }
  return client;
}

}  // namespace coach_sms
