#pragma once

#include "pg/wall.hpp"

namespace coach_sms {

// A message as somebody wants it sent. Plain data; what was not given is nullptr or has_… false.
struct NewMessage {
  Oid role;  // who wants it sent, and must belong to the org
  pg_uuid_t org_id;
  bool has_client_id;
  pg_uuid_t client_id;
  const char* to_phone;
  const char* from_phone;
  const char* template_key;
  Jsonb* variables;
  const char* body;
  bool has_scheduled_for;
  TimestampTz scheduled_for;
  bool has_expires_at;
  TimestampTz expires_at;
  const char* related_entity_type;
  bool has_related_entity_id;
  pg_uuid_t related_entity_id;
  const char* idempotency_key;
  int16 priority;
  Jsonb* metadata;
};

// The same once every check but suppression is passed: ready to be stored. Texts are in the
// database's encoding.
struct ReadyMessage {
  pg_uuid_t id;
  text* to_phone;
  bool has_template_id;
  pg_uuid_t template_id;
  text* body;
  const char* country;  // of the number; nullptr where all are allowed
  const char* encoding;
  int segments;
  bool sandbox;
  TimestampTz scheduled_for;
  TimestampTz due_at;
  bytea* payload_hash;  // nullptr without an idempotency key
};

// Whether `role` may act for the org; an org of others' fails as one that there is not.
bool may_send(const NewMessage& wanted, Failure* failure);

// Checks and completes: org known and enabled, exactly one of template and body, every variable
// given, number valid, sender configured, times sensible. False with `failure` filled; nothing is
// raised for bad input, so that a batch can report it and go on. Needs SPI_connect.
bool make_ready(const NewMessage& wanted, ReadyMessage* ready, Failure* failure);

// Stores the message, its queue row and the note that wakes the sender at commit, unless the
// recipient is suppressed or the idempotency key is taken. A key seen before with the same payload
// gives the first message's id. False with `failure` filled otherwise.
bool store(const NewMessage& wanted, const ReadyMessage& ready, pg_uuid_t* id, Failure* failure);

// Both in one. A repeat of an earlier call (idempotency key and payload the same) gives the first
// message's id even where the call would be refused by now: its template retired, its org disabled.
bool enqueue(const NewMessage& wanted, pg_uuid_t* id, Failure* failure);

// Whether the row being inserted into sms_messages comes from store(): the triggers that do the
// same for a plain INSERT ask in their WHEN clause.
bool is_storing();

// A UUID of version 7 (RFC 9562, section 5.7): milliseconds, then a counter of 12 bits within the
// millisecond taken from the clock's microseconds, then 62 random bits.
pg_uuid_t new_uuidv7(TimestampTz time);
// The lowest that new_uuidv7() can make at that time: what happened since is a range of a primary
// key.
pg_uuid_t first_uuidv7(TimestampTz time);

// Registers the callbacks that end a half-done store; called once from _PG_init.
void define_enqueue();

}  // namespace coach_sms
