#pragma once

#include "pg/sender/sender_state.hpp"

namespace coach_sms {

// Logs the trouble that a result shows, each kind once a minute, and reports it as last_error.
void log_trouble_of(const AttemptResult& row);

}  // namespace coach_sms
