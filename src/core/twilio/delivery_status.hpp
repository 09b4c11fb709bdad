#pragma once

#include <string_view>

namespace coach_sms {

// One of Twilio's message statuses. Ranks are ours and follow the order in which a message passes
// through them; callbacks come in any order, twice or never.
struct DeliveryStatus {
  const char* name;
  int rank;
  bool is_final;
  const char* our_status;  // "sent", "delivered", "failed", or nullptr for inbound ones
};

// The row of a status, or nullptr for one that Twilio has not told us about.
const DeliveryStatus* find_delivery_status(std::string_view provider_status) noexcept;

// What Twilio's status means among sms_messages.status: "sent", "delivered", "failed" or nullptr.
// Whatever proves that a Message exists is at least "sent". partially_delivered, which no page
// explains, is "sent" too: neither of the other two would be true.
const char* our_status(std::string_view provider_status) noexcept;

// Whether a message that is in current_status should take our_status(provider_status). Statuses
// only move forward and the first final one stays, with one exception: a message that we gave up
// on without knowing (failed with error_code outcome_unknown) takes whatever Twilio says later.
bool moves_forward(std::string_view current_status, std::string_view provider_status,
                   std::string_view current_error_code = {}) noexcept;

}  // namespace coach_sms
