#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// A row of sms_queue: a message that waits.
struct QueueRow {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  const char* zone;  // by zone_of()
  int16 priority;
  TimestampTz due_at;
  TimestampTz expires_at;
  bool has_expires_at;
  int16 failures;        // attempts used up so far
  const char* held_for;  // the limit that put due_at off, or nullptr
};

// Inserts the row into the open table.
void insert_queue_row(const QueueRow& row, Table* queue);
// Opens the table and inserts the row.
void insert_queue_row(const QueueRow& row, Command* command);

// Returns the zone of the quiet hours that a message with this metadata (nullptr: none) waits for.
// The result is palloc'ed or static. In SQL it is sms_zone_of().
const char* zone_of(Jsonb* metadata);

}  // namespace coach_sms
