#pragma once

// Every change of a message's status that the sender makes, one function a transition. (The first,
// the claim, is in claims.cpp, the webhook's are in provider_events.cpp, the user's in
// sql/install/30_messages; the picture is in src/README.md.)
//
// Rules that all of them keep:
//   * a claim is durable before its request leaves, and carries a fence;
//   * every later write shows the fence: a row that is not there any more belongs to somebody else;
//   * messages that somebody has locked are passed over, and their result is kept for another try;
//   * locks are taken on the message first, then on its queue row, then on its in-flight row;
//   * one org a statement.
// All need SPI; texts are in the database's encoding.

#include "pg/messages/attempt_results.hpp"

namespace coach_sms {

// sending | unknown → sent.
void record_sent(const AttemptResults& results, const char* provider);
// sending | unknown → failed. `attempt_status` as sms_attempts.status has it.
void record_failed(const AttemptResults& results, const char* provider, const char* attempt_status);
// sending | unknown → queued, due at `when`.
void record_retry(const AttemptResults& results, const char* provider, const char* attempt_status);
// sending → unknown, to be looked for at `when`.
void record_unknown(const AttemptResults& results);
// sending → queued as if it had not been claimed: no request was made. Due at `when`; error_code
// client_daily_limit becomes sms_queue.held_for.
void requeue(const AttemptResults& results);
// sending → cancelled before any byte left, with error_code as the reason.
void cancel(const AttemptResults& results);

// sending → queued, due now, for claims under this fence of a sender that is gone and had made no
// request of them. Those that somebody has locked are left to expire_leases().
void take_back_unsent(int64 fence);

// sending → unknown for claims of a sender that is gone (everything but `in_hand`, the messages
// this process answers for) and whose lease is over or, with `all`, whatever their lease. Sandbox
// messages, which nobody can have got, go back into the queue. Returns how many.
uint64 expire_leases(const pg_uuid_t* in_hand, int count, bool all);

// pending, queued → cancelled for what waits and has passed its expires_at, at most `limit`.
// Returns how many.
uint64 expire_waiting(int limit);

// The same for what was due for coach_sms.max_wait, whatever holds it, among the rows of the queue
// behind the one id and up to the other.
uint64 expire_overdue(const pg_uuid_t& after, const pg_uuid_t& last);

// pending → queued for what is due and not claimed, among the next `limit` rows of the queue behind
// that id. Gives the last id looked at, and how many there were.
uint64 promote_due(const pg_uuid_t& after, int limit, pg_uuid_t* last);

}  // namespace coach_sms
