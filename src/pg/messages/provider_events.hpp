#pragma once

// Events from Twilio (sms_events). All functions need SPI and raise errors.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// A callback, or the answer to a status poll, about one message. Texts are in the database's
// encoding, nullptr or "" where they are absent.
struct ProviderEvent {
  bool has_message;  // our message id was in the callback's URL
  bool has_org;      // the org's own token signed a call without our message id
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  const char* provider;
  const char* sid;
  const char* type;  // status, fetch or inbound
  const char* status;
  const char* error_code;
  const char* error_message;
  const char* payload;  // JSON
  const char* dedupe_key;
};

// Takes an event about a message. It is stored once, by its dedupe_key, and applied: a status moves
// forward only, an unknown message is settled, and a message that was queued again leaves the
// queue. Where the message is not known yet or is locked, the event waits. An event whose message
// is gone, or of another database behind the same URL, is not stored: it would keep a person's
// number without use. An event without a message id finds its message by SID, among the orgs for
// which its token may speak. That is the one org whose own token signed it, or else the orgs that
// use the server's token.
void take_event(const ProviderEvent& event);

// Stores an event that its caller carries out, and gives its id. Returns false if an event with
// this dedupe_key is stored already.
bool store_event(const ProviderEvent& event, pg_uuid_t* id);

}  // namespace coach_sms
