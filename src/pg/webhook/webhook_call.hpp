#pragma once

// A call to our webhook as plain data. Nothing here raises an error for what a stranger may send,
// and nothing of a call may be used before its signature was found good
// (pg/webhook/webhook_auth.hpp).

#include "core/webhook/callback.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Texts are in the database's encoding, with '?' for what it cannot hold; "" for what was not told.
struct WebhookCall {
  WebhookKind kind;
  bool has_target;  // our own query is in the URL
  pg_uuid_t org_id;
  pg_uuid_t message_id;
  char* sid;
  char* account_sid;
  char* messaging_service_sid;
  char*
      our_number;  // or what else we are listed by: sender_of() in core/twilio/channel_address.hpp
  char* from;      // of an inbound text: the person's number; "" where From carries none
  const char* keyword;  // of an inbound text: STOP, START, YES, HELP or nullptr; static
  char* status;
  char* error_code;
  char* error_message;
  char* payload;  // JSON
  char* dedupe_key;
  char* why_other;  // of a call that is neither a status nor a text: half a sentence for the log
};

// Returns false for what is no form; raises a fault of ours. `url` and `body` are ASCII, as percent
// encoding makes them.
bool read_webhook_call(const char* url, const char* body, WebhookCall* call);

}  // namespace coach_sms
