#pragma once

#include "creation.hpp"
#include "exchange.hpp"
#include "world.hpp"

namespace fake_twilio {

// The rest of the Messages API: list, fetch, update (cancel, redact) and delete. Fills the
// exchange's answer; a status of 400 and above in the result means that it is an error instead.
Refusal serve(World& world, Exchange& exchange);

}  // namespace fake_twilio
