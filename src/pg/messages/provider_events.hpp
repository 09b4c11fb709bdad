#pragma once

// Events from Twilio (sms_events), and the transitions they drive (sent, delivered, failed).
// Both need SPI.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// A callback, or the answer to a status poll, about one message. Texts are in the database's
// encoding; nullptr where they are absent.
struct ProviderEvent {
  bool has_message;  // our own id was in the callback's URL
  bool has_org;      // its own token signed what came without our id
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

// Stores the event; false if it is known already. `id` is the event's.
bool store_event(const ProviderEvent& event, pg_uuid_t* id);

// Applies a stored event to its message: status forward only, an error code once known stays, an
// unknown message is settled, one that was queued again is taken out of the queue. False where the
// message is not known yet or somebody has it locked; then the event waits. An event without a
// message finds it by its SID, among those only that its token may speak for: the org's own where
// an org's token signed it, or else those of the orgs that use the server's token.
bool apply_event(const pg_uuid_t& id);

// Where Twilio's code speaks of the recipient (an opt-out, no such number): they enter
// sms_suppression, and what waits for them is cancelled.
void suppress_if_permanent(const pg_uuid_t& message_id, const char* code);

// Applies what waits: callbacks that came before our own record of these SIDs, but for those whose
// code suppresses a number, which may have to wait for locks; or any that came too early or while
// their message was locked. Returns how many were applied.
uint64 apply_events_of(const char* const* sids, int count);
uint64 apply_waiting_events();

}  // namespace coach_sms
