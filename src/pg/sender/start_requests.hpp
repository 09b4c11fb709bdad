#pragma once

#include "pg/sender/sender_state.hpp"

#include "pg/sender/presend_check.hpp"

namespace coach_sms {

// Starts the requests of the claims whose verdict is kSend.
void start_requests(Sender* sender, const Claimed* claimed, int count, const Checked* checked);

}  // namespace coach_sms
