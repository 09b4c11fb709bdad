#include "creation.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "text.hpp"

namespace fake_twilio {

namespace {

// The create parameters of the 2010 API (OpenAPI description of April 2026, and SDK 6.2.0).
constexpr std::array<std::string_view, 28> kKnownParameters = {"To",
                                                               "Body",
                                                               "MessagingServiceSid",
                                                               "StatusCallback",
                                                               "From",
                                                               "ValidityPeriod",
                                                               "SmartEncoded",
                                                               "ShortenUrls",
                                                               "ScheduleType",
                                                               "SendAt",
                                                               "Attempt",
                                                               "ProvideFeedback",
                                                               "RiskCheck",
                                                               "MessageIntent",
                                                               "ContentRetention",
                                                               "AddressRetention",
                                                               "MaxPrice",
                                                               "ForceDelivery",
                                                               "TrafficType",
                                                               "SendAsMms",
                                                               "MediaUrl",
                                                               "ContentSid",
                                                               "ContentVariables",
                                                               "PersistentAction",
                                                               "FallbackFrom",
                                                               "ApplicationSid",
                                                               "Tags",
                                                               "StatusCallbackMethod"};

struct MagicNumber {
  std::string_view number;
  Refusal refusal;
};
// Test credentials: what a From or a To stands for (docs, "Test Credentials").
constexpr MagicNumber kMagicFrom[] = {
    {"+15005550001", {400, 21212, "Invalid 'From' Number"}},
    {"+15005550007", {400, 21606, "The 'From' phone number is not a valid sender"}},
    {"+15005550008", {400, 21611, "This 'From' number has exceeded its queue"}},
};
constexpr MagicNumber kMagicTo[] = {
    {"+15005550001", {400, 21211, "Invalid 'To' Phone Number"}},
    {"+15005550002", {400, 21612, "Message cannot be sent with this 'To' and 'From'"}},
    {"+15005550003", {400, 21408, "Permission to send has not been enabled for the region"}},
    {"+15005550004", {400, 21610, "Attempt to send to unsubscribed recipient"}},
    {"+15005550009", {400, 21614, "'To' number is not a valid mobile number"}},
};

void note_odd_parameters(const Form& form, std::string& odd) {
  odd.clear();
  const auto& fields = form.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i].first;
    const auto same = [name](const Form::Field& earlier) { return earlier.first == name; };
    const bool known =
        std::find(kKnownParameters.begin(), kKnownParameters.end(), name) != kKnownParameters.end();
    const bool again = std::any_of(fields.begin(), fields.begin() + static_cast<long>(i), same);
    if (known && !again) continue;
    if (!odd.empty()) odd += ',';
    odd += name;
  }
}

// An E.164 number, a short code, or letters and digits with at least one letter.
bool is_sender(std::string_view from) {
  if (is_e164(from)) return true;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (std::all_of(from.begin(), from.end(), digit)) return from.size() >= 3 && from.size() <= 8;
  const auto allowed = [&](char c) {  // docs, "Alphanumeric Sender ID"
    return digit(c) || letter(c) || std::string_view(" +-_&").find(c) != std::string_view::npos;
  };
  return from.size() <= 11 && std::any_of(from.begin(), from.end(), letter) &&
         std::all_of(from.begin(), from.end(), allowed);
}

std::optional<Refusal> check_recipient(const Order& order) {
  if (order.to.empty()) return Refusal{400, 21604, "A 'To' phone number is required"};
  if (!is_e164(order.to)) return Refusal{400, 21211, "Invalid 'To' Phone Number"};
  return {};
}

std::optional<Refusal> check_sender(const Order& order) {
  if (order.from.empty() && order.service.empty()) {
    return Refusal{400, 21603, "A 'From' or 'MessagingServiceSid' parameter is required"};
  }
  if (!order.from.empty() && !is_sender(order.from)) {
    return Refusal{400, 21212, "Invalid 'From' Number"};
  }
  if (!order.service.empty() && !is_sid(order.service, "MG")) {
    return Refusal{400, 21701, "The Messaging Service does not exist"};
  }
  return {};
}

std::optional<Refusal> check_body(const Order& order) {
  if (order.body.empty()) return Refusal{400, 21619, "A Message Body is required"};
  const auto length = utf16_length(order.body);
  if (!length) return Refusal{400, 0, "The Body is not valid UTF-8"};
  if (*length > 1600) return Refusal{400, 21617, "The message body exceeds 1600 characters"};
  return {};
}

std::optional<Refusal> check_settings(const Form& form, Order& order) {
  if (!order.status_callback.empty() && !is_callback_url(order.status_callback)) {
    return Refusal{400, 21609, "Invalid 'StatusCallback'"};
  }
  if (const auto text = form.find("ValidityPeriod")) {
    const auto seconds = parse_number(*text);
    if (!seconds || *seconds < 1 || *seconds > 36000) {
      return Refusal{400, 21624, "Invalid validity period value"};
    }
    order.validity_period = static_cast<std::int32_t>(*seconds);
  }
  order.scheduled = form.get("ScheduleType") == "fixed";
  if (order.scheduled && order.service.empty()) {
    return Refusal{400, 35118, "MessagingServiceSid is required to schedule a message"};
  }
  return {};
}

std::optional<Refusal> check_magic(const Order& order) {
  for (const MagicNumber& magic : kMagicFrom) {
    if (magic.number == order.from) return magic.refusal;
  }
  if (order.from != "+15005550006") return kMagicFrom[1].refusal;
  for (const MagicNumber& magic : kMagicTo) {
    if (magic.number == order.to) return magic.refusal;
  }
  return {};
}

}  // namespace

std::optional<Refusal> read_order(const Form& form, bool magic, Order& order, std::string& odd) {
  order = {};
  order.to = form.get("To");
  order.from = form.get("From");
  order.service = form.get("MessagingServiceSid");
  order.body = form.get("Body");
  order.status_callback = form.get("StatusCallback");
  note_odd_parameters(form, odd);
  order.odd_parameters = odd;
  if (const auto refusal = check_recipient(order)) return refusal;
  if (const auto refusal = check_body(order)) return refusal;
  if (const auto refusal = check_sender(order)) return refusal;
  if (const auto refusal = check_settings(form, order)) return refusal;
  return magic ? check_magic(order) : std::nullopt;
}

}  // namespace fake_twilio
