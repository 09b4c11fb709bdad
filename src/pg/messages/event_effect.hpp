#pragma once

#include "pg/messages/provider_events.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

// The effect of an event on its message: for an event that comes (provider_events.cpp), and for one
// that waited (waiting_events.cpp). All need SPI and raise errors.

// Finds the message of the event: by its id, else by its SID. Then it enters the message's ids into
// the event.
bool find_message(ProviderEvent* event);

// The state of a locked message.
struct CurrentState {
  char* status;
  char* error_code;
  char* sid;  // of the attempt that it was sent with; "" while there is none
  bool erased;
  bool waits;  // it has a row of the queue or an unknown claim
};

// The message of an event, in a command of its own.
struct LockedMessage {
  Command command;
  Table table;
  Scan scan;

  // Locks the message without waiting. close() follows whatever the result.
  Table::Lock open(const ProviderEvent& event);
  void close();
};

CurrentState state_of(const Row& message, const ProviderEvent& event);

struct Effect {
  const char* status;  // the message's by this event; nullptr where the event proves nothing
  bool moves;          // the message takes it
  bool suppresses;     // the error is about the recipient
};

Effect effect_of(const ProviderEvent& event, const CurrentState& current);

// Moves the message: sending, unknown, sent, queued again → sent, delivered or failed. Removes the
// error that was recorded while the outcome was unknown.
void move(LockedMessage* message, const ProviderEvent& event, const char* status);

// Settles an unknown claim and removes the message from the queue: the provider's event shows that
// it was taken. A claim whose sender still awaits the answer is left to that sender.
void settle_claim(const ProviderEvent& event);

// Suppresses the message's recipient if Twilio's error code is about the recipient (an opt-out, no
// such number), and cancels that recipient's waiting messages.
void suppress_if_permanent(const pg_uuid_t& message_id, const char* code);

}  // namespace coach_sms
