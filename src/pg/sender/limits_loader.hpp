#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Loads the facts that the limits lack for the planned claims. These are settings, messages handed
// over in the last hour and this month, time zones, and backlogs of lanes that just opened. Needs
// SPI, in the step that claims.
void load_limits(Sender* sender);

// Counts as settled the messages in flight that another process has settled meanwhile: a callback,
// or a list search. Needs SPI.
void read_settled_elsewhere(Sender* sender);

}  // namespace coach_sms
