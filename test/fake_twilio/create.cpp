#include <algorithm>

#include "request.hpp"

namespace fake_twilio {

namespace {

// The create parameters of the 2010 API (OpenAPI description of April 2026, and SDK 6.2.0).
constexpr const char* kKnownParameters =
    " To Body MessagingServiceSid StatusCallback From ValidityPeriod SmartEncoded ShortenUrls"
    " ScheduleType SendAt Attempt ProvideFeedback RiskCheck MessageIntent ContentRetention"
    " AddressRetention MaxPrice ForceDelivery TrafficType SendAsMms MediaUrl ContentSid"
    " ContentVariables PersistentAction FallbackFrom ApplicationSid Tags StatusCallbackMethod ";

bool is_known(const std::string& name) {
  return std::string_view(kKnownParameters).find(" " + name + " ") != std::string_view::npos;
}

// Returns the names that Twilio does not know or that came twice, by comma.
std::string odd_parameters(const Form& form) {
  std::string odd;
  for (auto field = form.fields.begin(); field != form.fields.end(); ++field) {
    const bool again = std::any_of(form.fields.begin(), field,
                                   [&](const auto& other) { return other.first == field->first; });
    if (is_known(field->first) && !again) continue;
    odd.append(odd.empty() ? "" : ",").append(field->first);
  }
  return odd;
}

// True for an E.164 number, a short code, or letters and digits with at least one letter.
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

std::optional<Refusal> check_body(const Order& order) {
  if (order.body.empty()) return Refusal{400, 21619, "A Message Body is required"};
  const auto length = utf16_length(order.body);
  if (!length) return Refusal{400, 0, "The Body is not valid UTF-8"};
  if (*length > 1600) return Refusal{400, 21617, "The message body exceeds 1600 characters"};
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

std::optional<Refusal> check_settings(const Form& form, Order& order) {
  if (!order.status_callback.empty() && !is_callback_url(order.status_callback)) {
    return Refusal{400, 21609, "Invalid 'StatusCallback'"};
  }
  const auto text = form.find("ValidityPeriod");
  if (!text) return {};
  const auto seconds = parse_number(*text);
  if (!seconds || *seconds < 1 || *seconds > 36000) {
    return Refusal{400, 21624, "Invalid validity period value"};
  }
  order.validity_period = static_cast<std::int32_t>(*seconds);
  return {};
}

// Reads the parameters, with Twilio's checks in Twilio's order.
std::optional<Refusal> read_order(const Form& form, Order& order) {
  order.to = form.get("To");
  order.from = form.get("From");
  order.service = form.get("MessagingServiceSid");
  order.body = form.get("Body");
  order.status_callback = form.get("StatusCallback");
  order.odd_parameters = odd_parameters(form);
  if (const auto refusal = check_recipient(order)) return refusal;
  if (const auto refusal = check_body(order)) return refusal;
  if (const auto refusal = check_sender(order)) return refusal;
  return check_settings(form, order);
}

}  // namespace

std::optional<Refusal> serve_create(World& world, Request& request) {
  Message draft;
  if (const auto refusal = read_order(request.form, draft.order)) return refusal;
  if (!request.scenario.to_as.empty()) draft.order.to = request.scenario.to_as;
  draft.account = request.account;
  draft.received = request.row.received;
  draft.updated = now();
  draft.segments = count_segments(draft.order.body);
  draft.status = draft.order.service.empty() ? Status::kQueued : Status::kAccepted;
  const Message message = world.records.accept(draft);
  request.row.message = message.number;
  request.answer.status = 201;
  request.answer.body = resource_of(message);
  return {};
}

}  // namespace fake_twilio
