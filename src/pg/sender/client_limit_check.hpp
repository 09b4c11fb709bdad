#pragma once

#include "pg/messages/claims.hpp"
#include "pg/sender/presend_check.hpp"

namespace coach_sms {

// Requeues claimed messages beyond max_sms_per_client_per_day, of those whose verdict is kSend,
// until the client's limit has room again. Needs SPI.
void check_client_limits(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked);

}  // namespace coach_sms
