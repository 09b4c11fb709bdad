#pragma once

#include "pg/enqueue/message_request.hpp"

namespace coach_sms {

// Stores the message, its queue row and the note that wakes the sender at commit. Returns false
// with `failure` filled where the recipient is suppressed (SM007) or the idempotency key has
// another payload (SM011). A key with the same payload gives the first message's id. Needs
// SPI_connect.
bool store(const MessageRequest& wanted, const PreparedMessage& ready, pg_uuid_t* id,
           Failure* failure);

// Prepares and stores the message. A repeat of an earlier call (same idempotency key and payload)
// gives the first message's id. That holds even where the call would now be refused: its template
// is retired, its org disabled. Needs SPI_connect.
bool enqueue(const MessageRequest& wanted, pg_uuid_t* id, Failure* failure);

// Fills `failure` (SM007) with the reason for the suppression: the org's list, or a STOP to the
// sender.
void fail_suppressed(const MessageRequest& wanted, const PreparedMessage& ready, Failure* failure);

// Returns whether the row of this id, which is being inserted into sms_messages, comes from
// store(). The triggers for a plain INSERT leave such rows alone.
bool is_storing(const pg_uuid_t& id);

// Registers the callbacks that clear up after an interrupted store(). _PG_init calls it once.
void define_enqueue();

}  // namespace coach_sms
