#pragma once

// Changes of many messages' status that the sender makes beside its requests: claims of an ended
// sender, messages past their time, messages that fall due. They keep the rules of settlements.hpp.
// All need SPI and raise errors.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Moves sending → queued, due now, all claims under this fence: their sender ended before it made
// any request. Locked messages are left to expire_leases().
void take_back_unsent(int64 fence);

// Moves sending → unknown claims of an ended sender, up to 1,000. These are the claims whose lease
// is over, or all claims with `all`, except `in_hand`, the messages that this process answers for.
// Sandbox messages, which no person can have received, go back into the queue. Returns the number
// of claims.
uint64 expire_leases(const pg_uuid_t* in_hand, int count, bool all);

// Moves pending, queued → cancelled waiting messages past their expires_at, `limit` at most.
// Returns their number.
uint64 expire_waiting(int limit);

// Moves pending, queued → cancelled messages that have been due for coach_sms.max_wait, or are past
// expires_at, whatever holds them. It looks at the queue's rows after the id `after` up to `last`.
void expire_overdue(const pg_uuid_t& after, const pg_uuid_t& last);

// Counts a message that was cancelled as expired, if coach_sms.max_wait has ended it.
void note_expired(const pg_uuid_t& message_id);

// Moves pending → queued due messages among the next `limit` rows of the queue after the id
// `after`. Gives the last id in `last`. Returns the number of rows it looked at.
uint64 promote_due(const pg_uuid_t& after, int limit, pg_uuid_t* last);

}  // namespace coach_sms
