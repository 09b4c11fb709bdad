#pragma once

#include "creation.hpp"
#include "exchange.hpp"

namespace fake_twilio {

// {"code": ..., "message": ..., "more_info": ..., "status": ...}
void answer_error(Answer& answer, const Refusal& refusal);
// The answer that the scenario gives in place of Twilio's; needs scenario.denies().
void answer_fault(Answer& answer, const Scenario& scenario);
// Does to a good answer what the scenario says: another status, HTML, padding, cutting, dripping.
void spoil(Answer& answer, const Scenario& scenario);
// Twilio's code for a status that says nothing more.
int usual_code(int http_status);

}  // namespace fake_twilio
