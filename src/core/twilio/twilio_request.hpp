#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/crypto/secret.hpp"
#include "core/http/http_message.hpp"

namespace coach_sms {

// The address of Twilio's API, and the account and credentials of our requests.
struct Account {
  std::string api_url;      // https://api.twilio.com, without a path; a "/" at its end is ignored
  std::string account_sid;  // names the account in the path
  std::string user;         // the account SID, or an API key's SID (SK...)
  Secret password;          // the auth token, or the API key's secret
};

// One SMS as Twilio's form takes it, with views of the caller's texts. Empty fields are left out.
struct OutgoingMessage {
  std::string_view to;
  std::string_view from;  // not sent where there is a messaging_service_sid
  std::string_view messaging_service_sid;
  std::string_view body;
  std::string_view status_callback;
  int validity_period_s = 0;          // seconds; 0: left out; at most Twilio's 36,000 is sent
  std::optional<bool> smart_encoded;  // nullopt: the Messaging Service decides
};

// These functions make requests to Twilio's 2010-04-01 API. A SID that goes into a path must be
// letters and digits, else they throw kInvalidArgument. A value in a form or query is
// percent-encoded, so a body with CR LF, "&To=" or quotes stays one body to one recipient.

// Returns POST Messages.json, which makes a Message.
HttpRequest send_request(const Account& account, const OutgoingMessage& message);

// Returns GET Messages.json: the account's Messages to one number, page_size (1 to 1,000) a page.
// Throws kInvalidArgument for another page size. It has no DateSent filter: a Message that is still
// queued has no such date and would be missed.
HttpRequest list_request(const Account& account, std::string_view to, int page_size);

// Returns GET for the page that a listing gave as its next. The URI must be a path of the same
// host, because no answer may choose where our credentials go. Throws kInvalidArgument for any
// other.
HttpRequest next_page_request(const Account& account, std::string_view next_page_uri);

// Returns GET Messages/{Sid}.json: one Message.
HttpRequest fetch_request(const Account& account, std::string_view message_sid);

// Returns the form's parameters as a JSON object, for sms_attempts.request_payload. It holds no
// secret: a user and password in the status callback's URL are left out.
std::string request_payload_json(const OutgoingMessage& message);

}  // namespace coach_sms
