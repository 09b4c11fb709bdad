#include "core/webhook.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "core/encoding.hpp"
#include "core/error.hpp"
#include "core/signed_url.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kRepeatOnFailure = "#rc=5&rp=all";
constexpr std::size_t kSidSize = 34;
constexpr std::size_t kMaxStatusSize = 64;
constexpr std::array<std::string_view, 13> kOurNames = {
    "MessageSid",    "SmsSid", "MessageStatus", "SmsStatus",  "AccountSid",   "MessagingServiceSid",
    "From",          "To",     "Body",          "OptOutType", "ErrorMessage", "ErrorCode",
    "RawDlrDoneDate"};

std::string text_of(const FormParams& params, std::string_view name) {
  const std::string* const value = find(params, name);
  return value == nullptr ? std::string() : to_clean_text(*value);
}

std::string text_of(const FormParams& params, std::string_view name, std::string_view old_name) {
  const std::string text = text_of(params, name);
  return text.empty() ? text_of(params, old_name) : text;
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_capital(char character) {
  return character >= 'A' && character <= 'Z';
}

bool is_small(char character) {
  return character >= 'a' && character <= 'z';
}

// Two capitals and 32 hex digits (Twilio docs, "String Identifier (SID)").
bool is_sid(std::string_view text) {
  return text.size() == kSidSize && is_capital(text[0]) && is_capital(text[1]) &&
         std::all_of(text.begin() + 2, text.end(), [](char character) {
           return is_digit(character) || (character >= 'a' && character <= 'f');
         });
}

bool is_status(std::string_view text) {
  return !text.empty() && text.size() <= kMaxStatusSize &&
         std::all_of(text.begin(), text.end(), [](char character) {
           return is_small(character) || character == '_' || character == '-';
         });
}

bool is_plain_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char character) {
    return is_digit(character) || is_capital(character) || is_small(character) || character == '_';
  });
}

bool comes_twice(const FormParams& params, std::string_view name) {
  return std::count_if(params.begin(), params.end(),
                       [name](const auto& param) { return param.first == name; }) > 1;
}

bool names_something(std::string_view value) {
  for (const std::string_view name : {"MessageSid", "SmsSid", "SmsStatus", "MessageStatus"})
    if (value.find(name) != std::string_view::npos) return true;
  const std::size_t from = value.find("From");
  if (from == std::string_view::npos || from + 4 == value.size()) return false;
  return value[from + 4] == '+' || is_digit(value[from + 4]);
}

bool differs(const FormParams& params, std::string_view name, std::string_view sid) {
  const std::string* const value = find(params, name);
  return value != nullptr && !value->empty() && *value != sid;
}

// Nothing stands between names and values in what Twilio signs, and so a signature fits every other
// cut of the same text; and a person chooses a part of it, their words. What is acted on must not
// look as if it had been cut anew: names are plain, ours come once, nothing but a person's words
// has one of ours in its value, and the SID's other names say the same. That leaves no way that we
// know of, and above it SIDs that are taken once.
bool is_cut_as_twilio_does(const FormParams& params, std::string_view sid) {
  const auto is_odd = [](const auto& param) {
    return !is_plain_name(param.first) || (param.first != "Body" && names_something(param.second));
  };
  return std::none_of(params.begin(), params.end(), is_odd) &&
         std::none_of(kOurNames.begin(), kOurNames.end(),
                      [&](std::string_view name) { return comes_twice(params, name); }) &&
         !differs(params, "SmsSid", sid) && !differs(params, "SmsMessageSid", sid);
}

StatusCallback read_status(const FormParams& params, std::string sid, std::string status) {
  return {.message_sid = std::move(sid),
          .account_sid = text_of(params, "AccountSid"),
          .messaging_service_sid = text_of(params, "MessagingServiceSid"),
          .message_status = std::move(status),
          .error_code = text_of(params, "ErrorCode"),
          .error_message = text_of(params, "ErrorMessage"),
          .to = text_of(params, "To"),
          .from = text_of(params, "From"),
          .raw_dlr_done_date = text_of(params, "RawDlrDoneDate")};
}

InboundMessage read_inbound(const FormParams& params, std::string sid) {
  return {.message_sid = std::move(sid),
          .account_sid = text_of(params, "AccountSid"),
          .messaging_service_sid = text_of(params, "MessagingServiceSid"),
          .from = text_of(params, "From"),
          .to = text_of(params, "To"),
          .body = text_of(params, "Body"),
          .opt_out_type = text_of(params, "OptOutType")};
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_hyphen_place ? text[i] != '-' : hex_digit_value(text[i]) < 0) return false;
  }
  return true;
}

// Digits without a sign or leading zeros; 0 for anything else.
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
  std::string sid = text_of(params, "MessageSid", "SmsSid");
  std::string status = text_of(params, "MessageStatus", "SmsStatus");
  if (!is_sid(sid) || !is_cut_as_twilio_does(params, sid)) return {};

  const bool is_inbound_status = status == "received" || status == "receiving";
  if (is_inbound_status || (status.empty() && find(params, "Body") != nullptr)) {
    return {WebhookKind::kInbound, {}, read_inbound(params, std::move(sid))};
  }
  if (!is_status(status)) return {};
  return {WebhookKind::kStatus, read_status(params, std::move(sid), std::move(status)), {}};
}

std::string dedupe_key(const StatusCallback& callback) {
  return callback.message_sid + ':' + callback.message_status;
}

std::string dedupe_key(const InboundMessage& message) {
  return message.message_sid + ":inbound";
}

std::string status_callback_url(std::string_view public_url, const CallbackTarget& target) {
  const std::string_view sent = without_fragment(public_url);
  const std::string_view fragment = public_url.substr(sent.size());
  std::string url(sent);
  if (sent.find('?') == std::string_view::npos) {
    url += '?';
  } else if (sent.back() != '?' && sent.back() != '&') {
    url += '&';
  }
  url += "org=" + target.org_id + "&message=" + target.message_id +
         "&attempt=" + std::to_string(target.attempt);
  url += fragment.empty() ? kRepeatOnFailure : fragment;
  return url;
}

std::optional<CallbackTarget> read_callback_target(std::string_view url) {
  const std::string_view sent = without_fragment(url);
  const std::size_t query = sent.find('?');
  if (query == std::string_view::npos || sent.size() > kMaxUrlSize) return std::nullopt;
  const FormParams params = parse_form(sent.substr(query + 1), {kMaxUrlSize, kMaxUrlSize});
  CallbackTarget target{last_of(params, "org"), last_of(params, "message"),
                        read_attempt(last_of(params, "attempt"))};
  if (!is_uuid(target.org_id) || !is_uuid(target.message_id) || target.attempt == 0) {
    return std::nullopt;
  }
  return target;
}

}  // namespace coach_sms
