#pragma once

#include <string_view>

namespace coach_sms {

// A way in which a message ends, as coach_sms_messages_final_total counts it.
struct MessageEnding {
  const char* status;       // as in sms_messages.status
  const char* error_class;  // of a failed one our class of the error, of a cancelled one its code
};

// All of them. The order is that of the counters in shared memory.
inline constexpr MessageEnding kEndings[] = {
    {"delivered", ""},
    {"failed", "recipient"},
    {"failed", "message"},
    {"failed", "configuration"},
    {"failed", "transient"},
    {"failed", "rate_limited"},
    {"failed", "outcome_unknown"},
    {"cancelled", "cancelled_by_user"},
    {"cancelled", "opted_out"},
    {"cancelled", "expired"},
    {"cancelled", "erased"},
    {"cancelled", "booking_changed"},
    {"cancelled", "booking_cancelled"},
    {"cancelled", "sandbox"},
    {"cancelled", "other"},
};
inline constexpr int kEndingCount = sizeof kEndings / sizeof *kEndings;

// Returns the place in kEndings of a message with that status and error_code; -1 for a status that
// is not final.
int ending_of(std::string_view status, std::string_view error_code) noexcept;

}  // namespace coach_sms
