#include "core/twilio/twilio_response.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/base/internet_date.hpp"
#include "core/base/rapidjson.hpp"
#include "core/twilio/delivery_status.hpp"
#include "core/twilio/error_message.hpp"
#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {
namespace {

// Twilio's code and message in a refusal. Code 0: the answer gives none.
struct Refusal {
  int code = 0;
  std::string message;
};

Refusal read_refusal(std::string_view json) {
  constexpr std::size_t kMaxRefusalBytes = 1U << 20U;
  if (json.size() > kMaxRefusalBytes) return {};
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return {};
  Refusal refusal;
  const auto code = document.FindMember("code");
  if (code != document.MemberEnd() && code->value.IsInt() && code->value.GetInt() > 0) {
    refusal.code = code->value.GetInt();
  }
  const auto message = document.FindMember("message");
  if (message != document.MemberEnd() && message->value.IsString()) {
    refusal.message =
        clean_error_message({message->value.GetString(), message->value.GetStringLength()});
  }
  return refusal;
}

std::string http_word(int status) {
  return "http_" + std::to_string(status);
}

std::string code_word(const Refusal& refusal, int status) {
  return refusal.code != 0 ? std::to_string(refusal.code) : http_word(status);
}

std::string message_or_title(const Refusal& refusal, int status) {
  if (!refusal.message.empty()) return refusal.message;
  if (const TwilioError* error = find_twilio_error(refusal.code)) return error->title;
  return "HTTP status " + std::to_string(status) + " without a message from Twilio";
}

// Returns the wait of a Retry-After header (RFC 9110 section 10.2.3: seconds, or a date), 0 to 24
// hours.
std::chrono::milliseconds retry_after_of(std::string_view header, std::int64_t now_epoch_s) {
  constexpr std::int64_t kLongest = 24 * 60 * 60;
  const bool is_number =
      !header.empty() && header.find_first_not_of("0123456789") == std::string_view::npos;
  std::int64_t seconds = 0;
  if (is_number) {
    const auto end = header.data() + header.size();
    const bool too_long = std::from_chars(header.data(), end, seconds).ec != std::errc();
    if (too_long) seconds = kLongest;
  } else if (const auto date = parse_http_date(header)) {
    seconds = *date - now_epoch_s;
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLongest));
}

// Returns whether every message of the account would meet the same error. A sender, a region or a
// missing registration is permanent_config too, but spares other messages of the account.
bool is_account_trouble(int code, int status) {
  if (status == 401) return true;
  const TwilioError* error = find_twilio_error(code);
  if (!error) return status == 403 || status == 404;
  const std::string_view reason = error->reason;
  return error->error_class == ErrorClass::kPermanentConfig &&
         (reason == "credentials" || reason == "account" || reason == "tls" ||
          reason == "not_found");
}

Settlement settle_refusal(const HttpResult& result, std::int64_t now_epoch_s) {
  const Refusal refusal = read_refusal(result.body);
  Settlement settlement;
  settlement.error_code = code_word(refusal, result.status);
  settlement.error_message = message_or_title(refusal, result.status);
  const ErrorClass error_class =
      result.status == 429 ? ErrorClass::kRateLimited : class_of(refusal.code, result.status);
  settlement.slow_down = error_class == ErrorClass::kRateLimited;
  settlement.account_trouble =
      !settlement.slow_down && is_account_trouble(refusal.code, result.status);
  settlement.trouble_is_guessed = settlement.account_trouble && result.status != 401 &&
                                  find_twilio_error(refusal.code) == nullptr;
  const bool is_held = settlement.slow_down || settlement.account_trouble;
  if (is_held || error_class == ErrorClass::kTransient) {
    settlement.outcome = Outcome::kRetry;
    settlement.retry_after = retry_after_of(result.retry_after, now_epoch_s);
    settlement.counts_as_attempt = !is_held;
  } else {
    settlement.outcome = Outcome::kRejected;
    settlement.suppress_reason = suppression_reason(refusal.code);
    settlement.blames_sender = blames_sender(refusal.code);
  }
  return settlement;
}

Settlement settle_success(const HttpResult& result) {
  if (const auto message = read_message(result.body)) return settle_message(*message);
  Settlement settlement;
  settlement.error_code = "bad_answer";
  settlement.error_message = "HTTP status " + std::to_string(result.status) +
                             " without a readable message SID in " +
                             std::to_string(result.body.size()) + " bytes";
  return settlement;
}

Settlement settle_ambiguity(const HttpResult& result, std::int64_t now_epoch_s) {
  const Refusal refusal = read_refusal(result.body);
  Settlement settlement;
  settlement.slow_down = result.status == 503;
  settlement.retry_after = retry_after_of(result.retry_after, now_epoch_s);
  settlement.error_code = code_word(refusal, result.status);
  settlement.error_message = message_or_title(refusal, result.status);
  return settlement;
}

Settlement settle_answer(const HttpResult& result, std::int64_t now_epoch_s) {
  const int hundred = result.status / 100;
  if (hundred == 2) return settle_success(result);
  if (hundred == 4 && result.status != 408) return settle_refusal(result, now_epoch_s);
  return settle_ambiguity(result, now_epoch_s);
}

Settlement settle_transport_failure(const HttpResult& result) {
  const bool unsent = result.progress == HttpProgress::kUnsent;
  Settlement settlement;
  settlement.outcome = unsent ? Outcome::kRetry : Outcome::kUnknown;
  settlement.error_code = unsent ? "connect_failed" : "unanswered";
  if (result.own_trouble) {
    settlement.error_code = "server_trouble";
    settlement.account_trouble = settlement.server_trouble = true;
    settlement.counts_as_attempt = false;
  }
  settlement.error_message = clean_error_message(result.error);
  return settlement;
}

}  // namespace

Settlement settle(const HttpResult& result, std::int64_t now_epoch_s) {
  return result.progress == HttpProgress::kAnswered ? settle_answer(result, now_epoch_s)
                                                    : settle_transport_failure(result);
}

Settlement settle_listing(const HttpResult& result, std::int64_t now_epoch_s) {
  Settlement settlement;
  if (result.progress == HttpProgress::kAnswered && result.status == 200) {
    settlement.outcome = Outcome::kAccepted;
    return settlement;
  }
  settlement = settle(result, now_epoch_s);
  if (settlement.outcome == Outcome::kUnknown) settlement.slow_down = false;
  settlement.outcome = Outcome::kRetry;
  if (settlement.trouble_is_guessed) settlement.account_trouble = false;
  return settlement;
}

Settlement settle_message(const ListedMessage& message) {
  Settlement settlement;
  settlement.outcome = Outcome::kAccepted;
  settlement.provider_message_id = message.sid;
  settlement.provider_status = message.status;
  settlement.error_code = message.error_code;
  settlement.error_message = message.error_message;
  settlement.price = message.price;
  settlement.price_unit = message.price_unit;
  settlement.segments = message.segments;
  const char* ours = our_status(message.status);
  if (!ours || std::string_view(ours) != "failed") return settlement;

  settlement.outcome = Outcome::kRejected;
  int code = 0;
  std::from_chars(message.error_code.data(), message.error_code.data() + message.error_code.size(),
                  code);
  if (code == 0) settlement.error_code = "provider_failed";
  if (settlement.error_message.empty()) {
    const TwilioError* error = find_twilio_error(code);
    settlement.error_message = error ? error->title : "Twilio's status is " + message.status;
  }
  settlement.suppress_reason = suppression_reason(code);
  settlement.account_trouble = is_account_trouble(code, 0);
  return settlement;
}

std::string response_payload_json(const HttpResult& result, const Settlement& settlement) {
  if (result.progress != HttpProgress::kAnswered) return {};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  const auto put = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    writer.Key(name);
    writer.String(value);
  };
  writer.StartObject();
  put("sid", settlement.provider_message_id);
  put("status", settlement.provider_status);
  put("code", settlement.error_code);
  put("message", settlement.error_message);
  put("request_id", result.request_id);
  writer.EndObject();
  return buffer.GetString();
}

}  // namespace coach_sms
