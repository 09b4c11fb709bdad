#pragma once

#include "exchange.hpp"
#include "world.hpp"

namespace fake_twilio {

// The calls below /control/, by which a test arranges faults and reads what happened. The README
// lists them.
Verdict control(World& world, Exchange& exchange);

}  // namespace fake_twilio
