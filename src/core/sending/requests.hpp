#pragma once

// What Twilio is asked for, and what came of it: sending a message, searching its list, the status
// of one message. Times are microseconds since 1970.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/crypto/secret.hpp"
#include "core/http/http_message.hpp"
#include "core/sending/lanes.hpp"
#include "core/twilio/outcome.hpp"
#include "core/twilio/twilio_message.hpp"
#include "core/twilio/twilio_request.hpp"

namespace coach_sms {

// A claimed message on its way to Twilio.
struct Task {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;
  int attempt = 0;   // which request of this message, from 1
  int failures = 0;  // attempts used up before this one
  std::string zone;
  int priority = 0;
  std::string to;
  std::string from;  // asked for by the message itself; empty: the route's sender
  std::string body;
  std::int64_t due_at = 0;  // its place in the lane, should it go back
  std::int64_t claimed_at = 0;
  std::int64_t lease_until = 0;
  std::int64_t expires_at = kNever;
  std::int64_t quiet_at = kNever;  // when the next quiet hours begin
  bool sandbox = false;
  RecallMark recall;  // of its recipient, as of the pre-send check
};

// As whom, and from what, an org sends.
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
  bool started = false;    // false: no request was made at all, and no attempt is counted
  int records_failed = 0;  // how often writing down this result alone has failed
};

// An unknown message that Twilio's list is searched for.
struct ListSearch {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;
  std::string to;
  std::int64_t claimed_at = 0;
  std::int64_t started_at = 0;
};

// What the list showed: everything to that number, in each of its forms, since the claim, or why it
// could not be read.
struct ListSearchResult {
  ListSearch search;
  std::vector<ListedMessage> listed;
  std::string error;
  // false: nothing was asked after all. No request left, or Twilio refused the account or slowed it
  // down, which says nothing of the list. Until when the account is then held; 0: it is not.
  bool asked = true;
  std::int64_t held_until = 0;
};

// A message that Twilio took, and that it is asked about.
struct StatusPoll {
  Uuid message;
  Uuid org;
  std::string sid;
};

// What Twilio answered; nullopt where it could not be read.
struct PolledStatus {
  StatusPoll poll;
  std::optional<ListedMessage> message;
};

// A task under way, and whose room it takes: its account and sender as AccountThrottle and Senders
// name them.
struct Sending {
  Task task;
  std::string account;
  std::string sender;
  std::string request;
  std::int64_t send_before = kNever;
};

// A search under way: its number's forms one after the other, each page by page.
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
