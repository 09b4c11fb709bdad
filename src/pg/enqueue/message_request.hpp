#pragma once

#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// A message as the caller asks for it. It is plain data: a value that was not given is nullptr, or
// its has_… is false.
struct MessageRequest {
  Oid role;  // must belong to the org
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

// A request that passed every check but suppression. Texts are palloc'ed, in the database's
// encoding.
struct PreparedMessage {
  pg_uuid_t id;
  text* to_phone;
  text* from_phone;  // nullptr: the org's sender
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

// Raises SM001 unless an org was given.
void require_org(bool given);

// Raises SM005 unless the value is nullptr or a JSON object.
void require_object(Jsonb* value, const char* name);

// Returns whether `role` may act for the org. Otherwise fills `failure` (SM001), as for an org that
// does not exist. Needs SPI_connect.
bool may_send(const MessageRequest& wanted, Failure* failure);

// Checks and completes a request: org, template or body, variables, number, sender, times, limits.
// Returns false with `failure` filled (class SM). Raises no error for bad input, so that a
// batch can report it and go on. Needs SPI_connect.
bool prepare_message(const MessageRequest& wanted, PreparedMessage* ready, Failure* failure);

// Returns the hash that an idempotency key stands for: of org, number, text or template, and
// variables. It is palloc'ed, and not valid where `failure` is filled.
bytea* hash_payload(const MessageRequest& wanted, text* to_phone, Failure* failure);

}  // namespace coach_sms
