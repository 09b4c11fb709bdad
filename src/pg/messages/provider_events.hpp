#pragma once

// Events from Twilio (sms_events), and the transitions that they cause (sent, delivered, failed).
// All need SPI and raise errors.

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

// Suppresses the message's recipient if Twilio's error code is about the recipient (an opt-out, no
// such number), and cancels that recipient's waiting messages.
void suppress_if_permanent(const pg_uuid_t& message_id, const char* code);

// The events that wait. Those of a known message wait for its lock. Those of an unknown one wait
// for the record of their SID, which applies them itself (apply_events_of()); for those that it
// missed, ten minutes are enough.
inline constexpr char kWaitsForLock[] = R"sql(
    processed_at IS NULL AND received_at > now() - interval '1 day'
    AND message_id IS NOT NULL)sql";
inline constexpr char kWaitsForSid[] = R"sql(
    processed_at IS NULL AND received_at > now() - interval '10 minutes'
    AND message_id IS NULL)sql";

// Apply waiting events; return the number applied. apply_events_of() takes callbacks that came
// before the record of these SIDs. It leaves an event whose code suppresses a number to
// apply_waiting_events(), since that may wait for locks.
uint64 apply_events_of(const char* const* sids, int count);
uint64 apply_waiting_events();

}  // namespace coach_sms
