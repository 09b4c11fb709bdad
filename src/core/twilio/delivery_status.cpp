#include "core/twilio/delivery_status.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace coach_sms {
namespace {

constexpr const char* kSent = "sent";
constexpr const char* kDelivered = "delivered";
constexpr const char* kFailed = "failed";

// The enum of Twilio's API description. The meanings are from the page "Outbound Message Status in
// Status Callbacks".
constexpr DeliveryStatus kStatuses[] = {
    {"scheduled", 0, false, kSent},     {"accepted", 1, false, kSent},
    {"queued", 2, false, kSent},        {"sending", 3, false, kSent},
    {"sent", 4, false, kSent},          {"partially_delivered", 5, false, kSent},
    {"delivered", 5, true, kDelivered}, {"undelivered", 5, true, kFailed},
    {"failed", 5, true, kFailed},       {"canceled", 5, true, kFailed},
    {"read", 6, true, kDelivered},      {"receiving", 0, false, nullptr},
    {"received", 0, true, nullptr},
};

constexpr int kFinalStage = 2;

// Returns how far one of our own statuses is: 0 not handed over, 1 handed over, 2 final.
int stage_of(std::string_view our) noexcept {
  if (our == kSent) return 1;
  return our == kDelivered || our == kFailed || our == "cancelled" ? kFinalStage : 0;
}

}  // namespace

const DeliveryStatus* find_delivery_status(std::string_view provider_status) noexcept {
  const auto* found =
      std::find_if(std::begin(kStatuses), std::end(kStatuses),
                   [&](const DeliveryStatus& status) { return provider_status == status.name; });
  return found == std::end(kStatuses) ? nullptr : found;
}

const char* our_status(std::string_view provider_status) noexcept {
  const DeliveryStatus* status = find_delivery_status(provider_status);
  return status ? status->our_status : nullptr;
}

bool moves_forward(std::string_view current_status, std::string_view provider_status,
                   std::string_view current_error_code) noexcept {
  const char* next = our_status(provider_status);
  if (!next) return false;
  if (current_status == kFailed && current_error_code == "outcome_unknown") return true;
  return stage_of(current_status) < stage_of(next);
}

}  // namespace coach_sms
