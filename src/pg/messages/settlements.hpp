#pragma once

// The changes of a message's status by the result of its claim, one function a transition. The
// first transition, the claim, is in claims.hpp, those of many messages at once in upkeep.hpp,
// those by events in event_effect.cpp, those by users in sql/install/30_messages. README.md has the
// picture.
//
// Rules that they keep:
//   * a claim is durable before its request leaves, and carries a fence;
//   * every later write shows the fence: if the row is gone, another process has settled it;
//   * locked messages are passed over, and their results are kept for another try;
//   * locks are taken on the message first, then on its queue row, then on its in-flight row.
// All raise errors. Each sets `recorded` of the result: false where another session has locked the
// message. Texts are in the database's encoding.

#include "pg/messages/attempt_result.hpp"
#include "pg/messages/sending_tables.hpp"

namespace coach_sms {

// Records sending, unknown → sent.
void record_sent(AttemptResult* result, const char* provider, SendingTables* tables);
// Records sending, unknown → failed. `attempt_status` is a value of sms_attempts.status.
void record_failed(AttemptResult* result, const char* provider, const char* attempt_status,
                   SendingTables* tables);
// Records sending, unknown → queued, due at `when`.
void record_retry(AttemptResult* result, const char* provider, const char* attempt_status,
                  SendingTables* tables);
// Records sending → unknown, with the first list search at `when`. The attempt is written once its
// outcome is known. Until then the in-flight row keeps the facts of the request, and counts against
// the limits.
void record_unknown(AttemptResult* result, SendingTables* tables);
// Records sending → queued without an attempt: no request was made. The message is due at `when`.
// The error_code client_daily_limit becomes sms_queue.held_for.
void requeue(AttemptResult* result, SendingTables* tables);
// Records sending → cancelled before any byte left, with error_code as the reason.
void cancel(AttemptResult* result, SendingTables* tables);

}  // namespace coach_sms
