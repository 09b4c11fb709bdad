#pragma once

#include "pg/enqueue/message_request.hpp"

namespace coach_sms {

// Stores the message, its queue row and the note that wakes the sender at commit, unless the
// recipient is suppressed or the idempotency key is taken. A key seen before with the same payload
// gives the first message's id. False with `failure` filled otherwise.
bool store(const MessageRequest& wanted, const PreparedMessage& ready, pg_uuid_t* id,
           Failure* failure);

// Both in one. A repeat of an earlier call (idempotency key and payload the same) gives the first
// message's id even where the call would be refused by now: its template retired, its org disabled.
bool enqueue(const MessageRequest& wanted, pg_uuid_t* id, Failure* failure);

// Why the recipient must not be written to: by the org's list, or by a STOP to the sender.
void fail_suppressed(const MessageRequest& wanted, const PreparedMessage& ready, Failure* failure);

// Whether the row of this id, being inserted into sms_messages, comes from store(): the triggers
// that do the same for a plain INSERT ask.
bool is_storing(const pg_uuid_t& id);

// Registers the callbacks that end a half-done store; called once from _PG_init.
void define_enqueue();

}  // namespace coach_sms
