#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/http_message.hpp"

namespace coach_sms {

// Twilio's Message resource, as the answers to a send, a fetch and a listing hold it. Every field
// but the SID may be missing and is then empty. All text is valid UTF-8 without NUL. A price that
// is no number counts as missing, and so does a malformed currency.
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
  int segments = 0;  // 0: not given
};

// One page of a listing.
struct ListPage {
  std::vector<ListedMessage> messages;
  std::string next_page_uri;  // empty on the last page
};

// Returns the Message in an answer's JSON; nullopt where there is none with a SID. Deep nesting is
// harmless. JSON above 1 MiB is not read, because no Message is that large.
std::optional<ListedMessage> read_message(std::string_view json);

// Returns the Message in the answer to fetch_request. Throws kInternal unless the answer is a whole
// 200 with a Message.
ListedMessage parse_message(const HttpResult& result);

// Returns the page in the answer to list_request or next_page_request. Throws kInternal unless the
// answer is a whole 200 listing whose entries are all readable. A skipped entry could be the
// message that we search for.
ListPage parse_list(const HttpResult& result);

}  // namespace coach_sms
