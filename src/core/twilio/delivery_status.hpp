#pragma once

#include <string_view>

namespace coach_sms {

// One of Twilio's message statuses. The ranks are ours and follow the order in which a message
// passes through the statuses. Callbacks come in any order, twice or never.
struct DeliveryStatus {
  const char* name;
  int rank;
  bool is_final;
  const char* our_status;  // "sent", "delivered", "failed", or nullptr for inbound ones
};

// Returns the row of a status; nullptr for a status that Twilio's pages do not list.
const DeliveryStatus* find_delivery_status(std::string_view provider_status) noexcept;

// Returns the value of sms_messages.status for a status of Twilio's: "sent", "delivered" or
// "failed", or nullptr for an inbound or unlisted one. Each status that proves that a Message
// exists is at least "sent". No page explains partially_delivered; it is "sent" too, because
// neither of the other two would be true.
const char* our_status(std::string_view provider_status) noexcept;

// Returns whether a message in current_status should take our_status(provider_status). Statuses
// only move forward, and the first final one stays. One exception: a message that we gave up
// (failed with error_code outcome_unknown) takes any later status of Twilio's.
bool moves_forward(std::string_view current_status, std::string_view provider_status,
                   std::string_view current_error_code = {}) noexcept;

}  // namespace coach_sms
