#pragma once

#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// A message as somebody wants it sent. Plain data; what was not given is nullptr or has_… false.
struct MessageRequest {
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

// Whether `role` may act for the org; an org of others' fails as one that there is not.
bool may_send(const MessageRequest& wanted, Failure* failure);

// Checks and completes: org known and enabled, exactly one of template and body, every variable
// given, number valid, sender configured, times sensible. False with `failure` filled; nothing is
// raised for bad input, so that a batch can report it and go on. Needs SPI_connect.
bool prepare_message(const MessageRequest& wanted, PreparedMessage* ready, Failure* failure);

// What an idempotency key stands for: org, number, text or template, and variables. With `failure`
// filled it is not to be used.
bytea* hash_payload(const MessageRequest& wanted, text* to_phone, Failure* failure);

}  // namespace coach_sms
