#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Reads from the tables what the limits lack for the claims that are planned: settings, what was
// handed over in the last hour and this month, time zones, backlogs of lanes that just opened.
// Needs SPI; part of the step that claims.
void load_limits(Sender* sender);

// Messages that keep a limit full and that somebody else has settled meanwhile (a callback, the
// look at Twilio's list): from now on they count as settled. Needs SPI.
void read_settled_elsewhere(Sender* sender);

}  // namespace coach_sms
