#pragma once

#include <cstdint>
#include <vector>

namespace coach_sms {

// At which ages Twilio is asked about a message whose end it has not told: at the first, and then
// each time four times as late, for as long as an end may still come. Twilio keeps a message for
// ten hours at most, carriers try for up to three days; most receipts that come at all come in
// seconds, so that asking ever more rarely loses little. Microseconds; empty where first is not
// positive.
std::vector<std::int64_t> status_poll_ages(std::int64_t first);

}  // namespace coach_sms
