#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Deliveries of the sandbox. There Twilio sends no callback, so the sender itself reports
// `delivered`, a moment after `sent`. The messages to report are kept in memory; a new sender finds
// those of the last hour that are still `sent`.
void find_sandbox_deliveries();
void note_sandbox_deliveries(const AttemptResult* rows, int count);
bool has_sandbox_deliveries();
// Stores and applies the events of sent messages, 500 at most. Needs SPI, as
// find_sandbox_deliveries() does.
void deliver_in_sandbox();
// Forgets them. Call it after that step has committed.
void forget_sandbox_deliveries();

}  // namespace coach_sms
