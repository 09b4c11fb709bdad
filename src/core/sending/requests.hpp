#pragma once

// Requests to Twilio and their results: sending a message, searching the list, polling a message's
// status. Times are moments (moments.hpp).

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/crypto/secret.hpp"
#include "core/http/http_message.hpp"
#include "core/sending/claim.hpp"
#include "core/sending/lanes.hpp"
#include "core/twilio/outcome.hpp"
#include "core/twilio/twilio_message.hpp"
#include "core/twilio/twilio_request.hpp"

namespace coach_sms {

// A claimed message on its way to Twilio.
struct Task : Claim {
  std::string zone;
  std::string to;
  std::string from;  // the message's own sender; empty: the route's
  std::string body;
  std::int64_t quiet_at = kNever;  // when the next quiet hours begin
  RecallMark recall;               // of its recipient, as of the pre-send check
  // Microseconds for which it was ready for its first request; nullopt: not to be counted.
  std::optional<std::int64_t> waited;
};

// The account, token and sender by which an org sends.
struct Route {
  std::string account_sid;
  Secret token;
  std::string messaging_service_sid;
  std::string from;
};

// A task whose request is over.
struct FinishedTask {
  Task task;
  Settlement settlement;
  std::string request;   // JSON, for sms_attempts; empty where none was made
  std::string response;  // JSON, for sms_attempts; empty where none came
  int http_status = 0;
  int duration_ms = 0;
  bool started = false;    // false: no request was made, and no attempt counts
  int records_failed = 0;  // how often recording this result alone has failed
};

// A search of Twilio's list for an unknown message.
struct ListSearch {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;
  std::string to;
  std::int64_t claimed_at = 0;
  std::int64_t started_at = 0;
};

// The result of a list search: all Messages to that number, in each of its forms, since the claim.
// Otherwise `error` is why the list could not be read.
struct ListSearchResult {
  ListSearch search;
  std::vector<ListedMessage> listed;
  std::string error;
  // false: the list was not searched, which says nothing of the message. No request left, or Twilio
  // refused the account or slowed it down. held_until is then the end of the account's hold; 0: it
  // is not held.
  bool asked = true;
  std::int64_t held_until = 0;
};

// A status poll of a message that Twilio took.
struct StatusPoll {
  Uuid message;
  Uuid org;
  std::string sid;
};

// The answer to a status poll; nullopt where it could not be read.
struct PolledStatus {
  StatusPoll poll;
  std::optional<ListedMessage> message;
};

// A task under way, with its account and sender as AccountThrottle and Senders name them.
struct Sending {
  Task task;
  std::string account;
  std::string sender;
  std::string request;
  std::int64_t send_before = kNever;
};

// A search under way. It lists the number's forms one after the other, each page by page.
struct PendingSearch {
  ListSearch search;
  Account account;
  std::string name;
  std::vector<std::string> unlisted;  // forms of its number that are still to be listed
  std::vector<ListedMessage> listed;
  int pages = 0;
};

// A request of any kind, with what it was made for.
using TwilioRequest = std::variant<Sending, PendingSearch, StatusPoll>;

}  // namespace coach_sms
