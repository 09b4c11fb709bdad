#include "pg/sender/unsettled.hpp"

#include "pg/base/statement.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/messages/waiting_events.hpp"

namespace coach_sms {

namespace {

bool unknown_messages;
bool waiting_events;

}  // namespace

void count_unsettled() {
  static constexpr auto kSql = join_sql(R"sql(
      SELECT EXISTS (SELECT FROM @internal@.sms_in_flight WHERE state = 'unknown'),
             EXISTS (SELECT FROM @extschema@.sms_events WHERE)sql",
                                        kWaitsForLock, R"sql()
             OR EXISTS (SELECT FROM @extschema@.sms_events WHERE)sql",
                                        kWaitsForSid, R"sql())sql");
  static Statement count{kSql.data(), {}};
  count.run();
  unknown_messages = bool_column(0, 1);
  waiting_events = bool_column(0, 2);
}

void note_unknown() {
  unknown_messages = true;
}

bool has_unknown() {
  return unknown_messages;
}

bool events_wait() {
  return waiting_events;
}

bool has_unsettled() {
  return unknown_messages || waiting_events;
}

}  // namespace coach_sms
