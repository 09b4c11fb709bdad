#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// In the sandbox nobody calls back, so the sender says `delivered` itself, a moment after `sent`.
// What it is to say is kept in memory; a new sender finds what the one before it left at `sent`.
void find_sandbox_deliveries();
void note_sandbox_deliveries(const AttemptResult* rows, int count);
bool has_sandbox_deliveries();
// Stores and applies the events of what was sent before. Needs SPI, as the finding does.
void deliver_in_sandbox();
// After that step has committed.
void forget_sandbox_deliveries();

}  // namespace coach_sms
