#include "pg/sender/unsettled.hpp"

#include "pg/base/statement.hpp"

namespace coach_sms {

namespace {

bool unknown_messages;
bool waiting_events;

}  // namespace

void count_unsettled() {
  static Statement count{
      R"sql(
      SELECT EXISTS (SELECT FROM @internal@.sms_in_flight WHERE state = 'unknown'),
             EXISTS (SELECT FROM @extschema@.sms_events WHERE processed_at IS NULL
                     AND received_at > now() - interval '1 day' AND message_id IS NOT NULL)
             OR EXISTS (SELECT FROM @extschema@.sms_events WHERE processed_at IS NULL
                     AND received_at > now() - interval '10 minutes' AND message_id IS NULL))sql",
      {}};
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
