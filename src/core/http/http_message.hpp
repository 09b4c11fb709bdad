#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/crypto/secret.hpp"

namespace coach_sms {

// The recall counter of a request's recipient and its value when the request was checked. The
// counter rises when a transaction commits a reason to keep the message back. The request may leave
// only while the value is unchanged.
struct RecallMark {
  std::uint32_t counter = 0;
  std::uint32_t seen = 0;
};

// One whole HTTP request. The credentials travel as Basic authentication (RFC 7617), never in the
// URL.
struct HttpRequest {
  std::string method;  // GET or POST
  std::string url;
  std::string user;
  Secret password;
  std::string body;  // application/x-www-form-urlencoded; empty for GET
  std::optional<RecallMark> recall{};
};

// How far a request got. The message of an unanswered request must not be sent again before its
// outcome is known.
enum class HttpProgress {
  kUnsent,      // provably no byte of the request left: DNS, connect, TLS, lease over
  kUnanswered,  // bytes may have left and no status line came
  kAnswered,    // a status line came
};

// The result of one request.
struct HttpResult {
  std::uint64_t tag = 0;  // the caller's, given back unchanged
  HttpProgress progress = HttpProgress::kUnsent;
  bool recalled = false;     // kUnsent, because its RecallMark has changed
  bool own_trouble = false;  // kUnsent, because this server lacks something: each would fail
  int status = 0;            // 0 unless kAnswered
  std::string body;
  bool body_truncated = false;  // the body was above the limit, or broke off
  std::string retry_after;      // the header's value, as printable ASCII
  std::string request_id;       // Twilio-Request-Id
  std::string error;            // libcurl's or our own words; no secret is in them
  int duration_ms = 0;
};

}  // namespace coach_sms
