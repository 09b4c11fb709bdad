#pragma once

#include "pg/consent/suppression_keys.hpp"
#include "pg/tables/table.hpp"

namespace coach_sms {

// max_sms_per_client_per_day: the largest number of messages handed to Twilio for one client in any
// 24 hours. A message without a client counts for its number. Messages in flight or unknown count
// too. An attempt counts until 24 hours after it was settled. This is the one home of these rules.

// A condition on a row `a` of sms_attempts: Twilio took its request, or may have taken it. It is
// for statements; ClientCounter has the same rule.
inline constexpr char kAttemptCounts[] = R"sql(
    (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL))sql";

// One client of an org, or a number without a client.
struct Client {
  pg_uuid_t org_id;
  pg_uuid_t id;
  bool has_id;
  bool sandbox;          // the mode whose messages count
  SuppressionKeys keys;  // the id as text, or the number's keys
};

// Returns the client with this id or, where it is nullptr, the number (E.164).
Client client_of(const pg_uuid_t& org_id, const pg_uuid_t* id, text* phone, bool sandbox);

// Counts a client's messages. It reads the tables by index.
class ClientCounter {
 public:
  void open(Command* command);
  void close();

  // Returns the number of messages that count in the 24 hours that end at `due_at`: those handed
  // over, those in flight, and those that wait and fall due then.
  int count_until(const Client& client, TimestampTz due_at);
  // Returns the number of messages handed over in the last 24 hours.
  int count_settled(const Client& client);
  // Returns the number of messages that are in flight or unknown, except these.
  int count_in_flight(const Client& client, const pg_uuid_t* except, int except_count);

 private:
  int count_attempts(const Client& client, TimestampTz since);
  template <typename Use>
  void each_message(const Client& client, Use use);
  bool is_due_between(const pg_uuid_t& message_id, TimestampTz after, TimestampTz until);

  Table messages_;
  Table queue_;
  Table attempts_;
};

}  // namespace coach_sms
