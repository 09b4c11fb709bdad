#include "core/twilio/twilio_request.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/base/encoding.hpp"
#include "core/base/error.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

using Parameter = std::pair<const char*, std::string>;

// Escapes all but the unreserved characters of RFC 3986 section 2.3. A blank becomes %20, which is
// right in a query and in a form alike.
std::string encode(std::string_view text) {
  return percent_encode(text, [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
  });
}

std::string encode_form(const std::vector<Parameter>& parameters) {
  std::string form;
  for (const auto& [name, value] : parameters) {
    if (!form.empty()) form += '&';
    form += name;
    form += '=';
    form += encode(value);
  }
  return form;
}

void check_sid(std::string_view what, std::string_view sid) {
  constexpr std::size_t kMaxLength = 64;
  const bool safe = !sid.empty() && sid.size() <= kMaxLength &&
                    std::all_of(sid.begin(), sid.end(), is_alphanumeric);
  if (safe) return;
  throw Error(ErrorKind::kInvalidArgument, "invalid " + std::string(what) + " " + excerpt(sid),
              "It becomes part of a URL and may hold letters and digits only.",
              "Copy the SID from the Twilio console: two letters and 32 hex digits.");
}

std::string url_of(const Account& account, std::string_view path) {
  std::string url = account.api_url;
  while (!url.empty() && url.back() == '/')
    url.pop_back();
  return url.append(path);
}

std::string account_url(const Account& account, std::string_view resource) {
  check_sid("account SID", account.account_sid);
  return url_of(account, "/2010-04-01/Accounts/" + account.account_sid).append(resource);
}

HttpRequest get(const Account& account, std::string url) {
  return {"GET", std::move(url), account.user, account.password, {}};
}

std::vector<Parameter> form_parameters(const OutgoingMessage& message) {
  constexpr int kMaxValidityPeriod = 36'000;  // seconds (Twilio error 21624)
  std::vector<Parameter> parameters;
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) parameters.emplace_back(name, value);
  };
  add("To", message.to);
  add("MessagingServiceSid", message.messaging_service_sid);
  if (message.messaging_service_sid.empty()) add("From", message.from);
  add("Body", message.body);
  add("StatusCallback", message.status_callback);
  if (message.validity_period_s > 0) {
    add("ValidityPeriod", std::to_string(std::min(message.validity_period_s, kMaxValidityPeriod)));
  }
  if (message.smart_encoded) add("SmartEncoded", *message.smart_encoded ? "true" : "false");
  return parameters;
}

std::string without_user_info(std::string url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  const std::size_t authority = scheme_end + 3;
  const std::size_t authority_end = std::min(url.find_first_of("/?#", authority), url.size());
  const std::size_t at = url.rfind('@', authority_end);
  if (at != std::string::npos && at >= authority) url.erase(authority, at + 1 - authority);
  return url;
}

}  // namespace

HttpRequest send_request(const Account& account, const OutgoingMessage& message) {
  return {"POST", account_url(account, "/Messages.json"), account.user, account.password,
          encode_form(form_parameters(message))};
}

HttpRequest list_request(const Account& account, std::string_view to, int page_size) {
  if (page_size < 1 || page_size > 1000) {
    throw Error(ErrorKind::kInvalidArgument, "invalid page size " + std::to_string(page_size),
                "Twilio lists 1 to 1,000 messages a page.");
  }
  const std::string query =
      encode_form({{"To", std::string(to)}, {"PageSize", std::to_string(page_size)}});
  return get(account, account_url(account, "/Messages.json?" + query));
}

HttpRequest next_page_request(const Account& account, std::string_view next_page_uri) {
  const bool is_path = next_page_uri.substr(0, 1) == "/" && next_page_uri.substr(0, 2) != "//";
  const bool is_printable = std::all_of(next_page_uri.begin(), next_page_uri.end(),
                                        [](char c) { return c > ' ' && c <= '~' && c != '\\'; });
  if (!is_path || !is_printable) {
    throw Error(ErrorKind::kInvalidArgument, "the next page of a listing is not a path of its host",
                "The credentials are sent to the configured host only.");
  }
  return get(account, url_of(account, next_page_uri));
}

HttpRequest fetch_request(const Account& account, std::string_view message_sid) {
  check_sid("message SID", message_sid);
  return get(account, account_url(account, "/Messages/" + std::string(message_sid) + ".json"));
}

std::string request_payload_json(const OutgoingMessage& message) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  for (const auto& [name, value] : form_parameters(message)) {
    writer.Key(name);
    writer.String(std::string_view(name) == "StatusCallback" ? without_user_info(value) : value);
  }
  writer.EndObject();
  return buffer.GetString();
}

}  // namespace coach_sms
