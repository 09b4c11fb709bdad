#pragma once

// A call to the webhook as plain data. No input of a stranger raises an error here. No part of a
// call may be used before its signature is verified (pg/webhook/webhook_auth.hpp).

#include "core/webhook/callback.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Texts are in the database's encoding, palloc'ed, with '?' for what it cannot hold. A text that
// the call lacks is "".
struct WebhookCall {
  WebhookKind kind;
  bool has_target;  // our own query is in the URL, and names a message
  pg_uuid_t org_id;
  pg_uuid_t message_id;
  char* sid;
  char* account_sid;
  char* messaging_service_sid;
  // Or another name of this sender: sender_of(), core/twilio/channel_address.hpp. "" with a target.
  char* our_number;
  char* from;           // of an inbound text: the person's number; "" where From carries none
  const char* keyword;  // of an inbound text: STOP, START, YES, HELP or nullptr; static
  char* status;
  char* error_code;
  char* error_message;
  char* payload;  // JSON
  char* dedupe_key;
  char* why_other;  // of a call that is neither a status nor a text: words for the log
};

// Returns false for a body that is no form. Raises only a fault of the server. `url` and `body` are
// ASCII, as percent encoding makes them.
bool read_webhook_call(const char* url, const char* body, WebhookCall* call);

}  // namespace coach_sms
