#pragma once

#include <cstdint>
#include <vector>

namespace coach_sms {

// Returns the ages at which a message without a final status is polled. They are `first`, and then
// each time four times as late, up to three days. Twilio keeps a message for ten hours at most, and
// carriers try for up to three days. Most receipts that come at all come in seconds, so ever rarer
// polls lose little. Microseconds; empty where `first` is not positive.
std::vector<std::int64_t> status_poll_ages(std::int64_t first);

}  // namespace coach_sms
