#pragma once

// The functions that the sender's thread for HTTP calls right before the first byte of a request.
// It may call no other function of src/pg than these and the clock, GetCurrentTimestamp().

#include "core/http/http_message.hpp"

namespace coach_sms {

// Returns whether a reason to keep the message back was committed since its check. Reads a counter
// in shared memory.
bool is_recalled(const RecallMark& mark) noexcept;

// Passes the failpoint `connected`.
void pass_connected() noexcept;

}  // namespace coach_sms
