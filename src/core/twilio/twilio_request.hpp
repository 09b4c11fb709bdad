#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/crypto/secret.hpp"
#include "core/http/http_message.hpp"

namespace coach_sms {

// Where and as whom we talk to Twilio.
struct Account {
  std::string api_url;      // https://api.twilio.com, without a path; a "/" at its end is ignored
  std::string account_sid;  // names the account in the path
  std::string user;         // the account SID, or an API key's SID (SK...)
  Secret password;          // the auth token, or the API key's secret
};

// One SMS as Twilio's form wants it. Empty fields are left out.
struct OutgoingMessage {
  std::string_view to;
  std::string_view from;  // not sent where there is a messaging_service_sid
  std::string_view messaging_service_sid;
  std::string_view body;
  std::string_view status_callback;
  int validity_period_s = 0;          // 0: left out; above Twilio's 36,000 it is lowered to it
  std::optional<bool> smart_encoded;  // left out: the Messaging Service decides
};

// Requests to the 2010-04-01 API. Whatever goes into a path must be letters and digits, else
// Error kInvalidArgument; whatever goes into a form or query is percent-encoded, so that a body
// with CR LF, "&To=" or quotes stays one body to one recipient.

// POST Messages.json: makes a Message.
HttpRequest send_request(const Account& account, const OutgoingMessage& message);

// GET Messages.json: the account's Messages to one number, page_size (1 to 1,000) at a time. No
// DateSent filter: a Message that is still queued has no such date and would be missed.
HttpRequest list_request(const Account& account, std::string_view to, int page_size);

// GET the page that a listing named as its next. The uri must be a path of the same host: an
// answer never chooses where our credentials go. Anything else is Error kInvalidArgument.
HttpRequest next_page_request(const Account& account, std::string_view next_page_uri);

// GET Messages/{Sid}.json: one Message.
HttpRequest fetch_request(const Account& account, std::string_view message_sid);

// The form's parameters as a JSON object, for sms_attempts.request_payload. No secret is in it: a
// user and password inside the status callback's url are left out.
std::string request_payload_json(const OutgoingMessage& message);

}  // namespace coach_sms
