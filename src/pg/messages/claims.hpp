#pragma once

// Claims: the transition pending, queued → sending, lane by lane, with the rules of
// settlements.hpp. All need SPI, except new_fence(). Texts are in the database's encoding.

#include "core/sending/claim.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

static_assert(kNever == DT_NOEND && kAlways == DT_NOBEGIN);

// A lane: the waiting messages of one org, zone and priority. `zone` is as in sms_queue.
struct LaneId {
  pg_uuid_t org_id;
  const char* zone;
  int16 priority;
};

// A claimed message.
struct Claimed : Claim {
  const char* zone;
  char* to_phone;
  char* from_phone;  // "" unless the message names one
  char* body;
  char* account_sid;  // "" where there is none, as in the sandbox
  bool about_booking;
  uint32 recalls;  // its number's recall counter as of the pre-send check
  // The client, or the number where there is none: the key of the client's limit.
  const char* client_key;
  int segments;
};

// Returns a new fence for the claims of one batch, never 0. Every later write must show it. Raises
// an error where no random bytes can be had.
int64 new_fence();

// Claims messages of one lane in due order: due, behind (after_due, after_id), `limit` at most,
// without locked ones. Returns their number. The texts in `claimed` are palloc'ed in the caller's
// memory context.
int claim_due(const LaneId& lane, int64 fence, TimestampTz after_due, const pg_uuid_t& after_id,
              int limit, Claimed* claimed);

// Claims, in the same way, messages that fell due before `opened_at`, when the lane's quiet hours
// ended. The message that expires soonest, so of the soonest session, goes first. Each call sorts
// all that are left, so use it for claims that are spread over time.
int claim_waited(const LaneId& lane, int64 fence, TimestampTz opened_at, int limit,
                 Claimed* claimed);

// Returns the number of messages in the lane that fell due before `opened_at`.
int64 count_waited(const LaneId& lane, TimestampTz opened_at);

// Returns the time at which the next message of the lane behind that place falls due; DT_NOEND for
// never.
TimestampTz next_due_in_lane(const LaneId& lane, TimestampTz after_due, const pg_uuid_t& after_id);

}  // namespace coach_sms
