#pragma once

// Every change of a message's status that the sender makes, one function a transition. The first
// transition, the claim, is in claims.cpp. The transitions by events are in provider_events.cpp,
// those by users in sql/install/30_messages. README.md has the picture.
//
// Rules that they keep:
//   * a claim is durable before its request leaves, and carries a fence;
//   * every later write shows the fence: if the row is gone, another process has settled it;
//   * locked messages are skipped, and their results are kept for another try;
//   * locks are taken on the message first, then on its queue row, then on its in-flight row;
//   * a statement that takes results is for one org.
// All need SPI and raise errors. Texts are in the database's encoding.

#include "pg/messages/attempt_results.hpp"

namespace coach_sms {

// Records sending, unknown → sent.
void record_sent(const AttemptResults& results, const char* provider);
// Records sending, unknown → failed. `attempt_status` is a value of sms_attempts.status.
void record_failed(const AttemptResults& results, const char* provider, const char* attempt_status);
// Records sending, unknown → queued, due at `when`.
void record_retry(const AttemptResults& results, const char* provider, const char* attempt_status);
// Records sending → unknown, with the first list search at `when`.
void record_unknown(const AttemptResults& results);
// Records sending → queued without an attempt: no request was made. The message is due at `when`.
// The error_code client_daily_limit becomes sms_queue.held_for.
void requeue(const AttemptResults& results);
// Records sending → cancelled before any byte left, with error_code as the reason.
void cancel(const AttemptResults& results);

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
// Returns their number.
uint64 expire_overdue(const pg_uuid_t& after, const pg_uuid_t& last);

// Moves pending → queued due messages among the next `limit` rows of the queue after the id
// `after`. Gives the last id in `last`. Returns the number of rows it looked at.
uint64 promote_due(const pg_uuid_t& after, int limit, pg_uuid_t* last);

}  // namespace coach_sms
