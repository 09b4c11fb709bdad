#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/crypto/secret.hpp"

namespace coach_sms {

// What may be said against a request until its first byte leaves: a counter that rises when
// something that concerns it was committed, and how it stood when the request was found good.
struct RecallMark {
  std::uint32_t counter = 0;
  std::uint32_t seen = 0;
};

// One HTTP request, whole. The credentials travel as Basic authentication and never in the url.
struct HttpRequest {
  std::string method;  // GET or POST
  std::string url;
  std::string user;
  Secret password;
  std::string body;  // application/x-www-form-urlencoded; empty for GET
  std::optional<RecallMark> recall{};
};

// How far a request got. The line between the first two decides whether a message may go again.
enum class HttpProgress {
  kUnsent,      // provably no byte of the request left: DNS, connect, TLS, lease over
  kUnanswered,  // bytes may have left and no status line came
  kAnswered,    // a status line came
};

// What became of one request.
struct HttpResult {
  std::uint64_t tag = 0;  // the caller's own mark, given back as it came
  HttpProgress progress = HttpProgress::kUnsent;
  bool recalled = false;     // kUnsent by our own decision, since its RecallMark has changed
  bool own_trouble = false;  // kUnsent, since this server lacks something: each request would fail
  int status = 0;            // 0 unless kAnswered
  std::string body;
  bool body_truncated = false;  // the body was larger than the pool keeps, or broke off
  std::string retry_after;      // the header's value as it came
  std::string request_id;       // Twilio-Request-Id
  std::string error;            // the transport's words; no secret in them
  int duration_ms = 0;
};

}  // namespace coach_sms
