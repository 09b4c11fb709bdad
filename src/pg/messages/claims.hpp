#pragma once

// Taking messages out of the queue, lane by lane: the transition queued → sending, with the rules
// of transitions.hpp. All need SPI; texts are in the database's encoding.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// What waits of one org, for one time zone's quiet hours, at one priority. `zone` as sms_queue has
// it.
struct LaneId {
  pg_uuid_t org_id;
  const char* zone;
  int16 priority;
};

// A message as claimed.
struct Claimed {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  const char* zone;
  int64 fence;
  int attempt;
  int failures;
  int16 priority;
  char* to_phone;
  char* from_phone;  // "" unless the message asks for one
  char* body;
  char* account_sid;  // "" where there is none: the sandbox needs none
  TimestampTz due_at;
  TimestampTz claimed_at;
  TimestampTz lease_until;
  TimestampTz expires_at;  // DT_NOEND: never
  bool sandbox;
  bool about_booking;
  uint32 recalls;    // of its number's counter, as of the pre-send check
  char* client_key;  // the client, or the number where there is none: what limits count by
  int segments;
};

// What the claims of one batch show with every later write. Never 0.
int64 new_fence();

// queued → sending. Takes at most `limit` messages of one lane, in order, that are due and lie
// behind (after_due, after_id), passing over locked ones. Returns how many; `claimed` is in the
// caller's memory context.
int claim_due(const LaneId& lane, int64 fence, TimestampTz after_due, const pg_uuid_t& after_id,
              int limit, Claimed* claimed);

// The same for what waited when the lane's quiet hours ended: the one that expires soonest, which
// is the soonest session's, goes first. Each claim sorts what is left: for claims that are spread.
int claim_waited(const LaneId& lane, int64 fence, TimestampTz opened_at, int limit,
                 Claimed* claimed);

// How many wait in the lane that fell due before that time.
int64 count_waited(const LaneId& lane, TimestampTz opened_at);

// When the lane has something due behind that place; DT_NOEND for never.
TimestampTz next_due_in_lane(const LaneId& lane, TimestampTz after_due, const pg_uuid_t& after_id);

}  // namespace coach_sms
