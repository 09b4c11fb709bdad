#pragma once

#include "pg/sender_state.hpp"

namespace coach_sms {

// In the sandbox nobody calls back, so the sender says `delivered` itself, a moment after `sent`.
// Kept in memory only: a crash in between leaves the message at `sent`, as a callback that never
// came would.
void note_sandbox_deliveries(const FinishedRow* rows, int count);
bool has_sandbox_deliveries();
// Stores and applies the events of what was sent before. Needs SPI.
void deliver_in_sandbox();

}  // namespace coach_sms
