#pragma once

// The functions of src/pg that the sender's thread for HTTP calls. It may call no others.

#include "core/http/http_message.hpp"

namespace coach_sms {

// Returns whether a reason to keep the message back was committed since its check. Reads a counter
// in shared memory.
bool is_recalled(const RecallMark& mark) noexcept;

// Returns the wall clock's time as a moment.
std::int64_t wall_clock() noexcept;

// Passes the failpoint `connected`.
void pass_connected() noexcept;

}  // namespace coach_sms
