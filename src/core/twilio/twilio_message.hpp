#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/http_message.hpp"

namespace coach_sms {

// Twilio's Message resource, as answers to a send, a fetch and a listing hold it. Every field but
// the sid may be missing and is then empty. All text is valid UTF-8 without NUL; a price that is
// no number and a currency that is none are taken as missing.
struct ListedMessage {
  std::string sid;  // letters and digits, at most 64
  std::string to;
  std::string from;
  std::string body;
  std::string status;
  std::string direction;                   // inbound, outbound-api, outbound-call, outbound-reply
  std::optional<std::int64_t> created_at;  // seconds since 1970, by Twilio's clock
  std::string error_code;                  // digits
  std::string error_message;
  std::string price;
  std::string price_unit;
  int segments = 0;  // 0: not told
};

// One page of a listing.
struct ListPage {
  std::vector<ListedMessage> messages;
  std::string next_page_uri;  // empty on the last page
};

// The Message in an answer's JSON, or nullopt where there is none with a sid. Deep nesting is
// harmless; more than 1 MiB is not read, for no Message is that large.
std::optional<ListedMessage> read_message(std::string_view json);

// The answer to fetch_request. Error kInternal unless it is a 200 with a Message.
ListedMessage parse_message(const HttpResult& result);

// The answer to list_request or next_page_request. Error kInternal unless it is a whole 200 listing
// all of whose entries are readable: one that was skipped could be the one that is looked for.
ListPage parse_list(const HttpResult& result);

}  // namespace coach_sms
