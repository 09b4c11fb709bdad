#include "core/webhook/callback.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/url.hpp"
#include "core/base/utf8.hpp"
#include "core/base/uuid.hpp"
#include "core/twilio/error_message.hpp"
#include "core/twilio/twilio_errors.hpp"
#include "core/twilio/twilio_sid.hpp"
#include "core/webhook/form_cut.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kMaxStatusSize = 64;

std::string text_of(const FormParams& params, std::string_view name) {
  const std::string* const value = find(params, name);
  return value == nullptr ? std::string() : clean_text(*value);
}

std::string text_of(const FormParams& params, std::string_view name, std::string_view old_name) {
  const std::string text = text_of(params, name);
  return text.empty() ? text_of(params, old_name) : text;
}

bool is_status(std::string_view text) {
  return !text.empty() && text.size() <= kMaxStatusSize &&
         std::all_of(text.begin(), text.end(), [](char character) {
           return is_lower(character) || character == '_' || character == '-';
         });
}

// Returns Twilio's code without leading zeros; empty for 0, which is no error, and for a text that
// is no code.
std::string read_error_code(const FormParams& params) {
  constexpr std::size_t kMaxDigits = 9;
  const std::string code = text_of(params, "ErrorCode");
  if (code.find_first_not_of("0123456789") != std::string::npos) return {};
  const std::size_t first = code.find_first_not_of('0');
  if (first == std::string::npos || code.size() - first > kMaxDigits) return {};
  return code.substr(first);
}

// Returns Twilio's message, else the title of the code: carriers' failures come with a code alone.
std::string read_error_message(const FormParams& params, std::string_view code) {
  const std::string message = clean_error_message(text_of(params, "ErrorMessage"));
  return message.empty() ? title_of(code) : message;
}

StatusCallback read_status(const FormParams& params, std::string sid, std::string status) {
  std::string code = read_error_code(params);
  std::string message = read_error_message(params, code);
  return {.message_sid = std::move(sid),
          .messaging_service_sid = text_of(params, "MessagingServiceSid"),
          .message_status = std::move(status),
          .error_code = std::move(code),
          .error_message = std::move(message),
          .to = text_of(params, "To"),
          .from = text_of(params, "From"),
          .raw_dlr_done_date = text_of(params, "RawDlrDoneDate")};
}

InboundMessage read_inbound(const FormParams& params, std::string sid) {
  return {.message_sid = std::move(sid),
          .messaging_service_sid = text_of(params, "MessagingServiceSid"),
          .from = text_of(params, "From"),
          .to = text_of(params, "To"),
          .body = text_of(params, "Body"),
          .opt_out_type = text_of(params, "OptOutType")};
}

// Reads digits without a sign or leading zeros, up to kMaxCallbackAttempt; 0 for any other text.
int read_attempt(std::string_view text) {
  if (text.empty() || text.front() == '0' || text.front() == '-') return 0;
  int attempt = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), attempt);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number && attempt <= kMaxCallbackAttempt ? attempt : 0;
}

std::string last_of(const FormParams& params, std::string_view name) {
  const auto found = std::find_if(params.rbegin(), params.rend(),
                                  [name](const auto& param) { return param.first == name; });
  return found == params.rend() ? std::string() : found->second;
}

}  // namespace

Webhook read_webhook(const FormParams& params) {
  Webhook webhook;
  webhook.account_sid = text_of(params, "AccountSid");
  std::string sid = text_of(params, "MessageSid", "SmsSid");
  std::string status = text_of(params, "MessageStatus", "SmsStatus");
  const bool is_inbound = status == "received" || status == "receiving" ||
                          (status.empty() && find(params, "Body") != nullptr);
  if (!is_sid(sid)) {
    webhook.why_other = "it names no message: MessageSid is missing or malformed";
  } else if (!is_inbound && !is_status(status)) {
    webhook.why_other = "it is neither a status nor a text: MessageStatus is missing or malformed";
  } else if (std::string fault = find_other_cut(params, sid); !fault.empty()) {
    webhook.kind = WebhookKind::kUnsure;
    webhook.why_other = std::move(fault);
  } else if (is_inbound) {
    webhook.kind = WebhookKind::kInbound;
    webhook.inbound = read_inbound(params, std::move(sid));
  } else {
    webhook.kind = WebhookKind::kStatus;
    webhook.status = read_status(params, std::move(sid), std::move(status));
  }
  return webhook;
}

std::string dedupe_key(const StatusCallback& callback) {
  return callback.message_sid + ':' + callback.message_status;
}

std::string dedupe_key(const InboundMessage& message) {
  return message.message_sid + ":inbound";
}

std::optional<CallbackTarget> read_callback_target(std::string_view url) {
  const std::string_view sent = without_fragment(url);
  const std::size_t query = sent.find('?');
  if (query == std::string_view::npos || sent.size() > kMaxUrlSize) return std::nullopt;
  const FormParams params = parse_form(sent.substr(query + 1), {kMaxUrlSize, kMaxUrlSize});
  CallbackTarget target{last_of(params, "org"), last_of(params, "message"),
                        read_attempt(last_of(params, "attempt"))};
  if (!uuid_from_text(target.org_id) || !uuid_from_text(target.message_id) || target.attempt == 0) {
    return std::nullopt;
  }
  return target;
}

}  // namespace coach_sms
