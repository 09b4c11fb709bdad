#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/http/http_thread.hpp"
#include "core/sending/requests.hpp"

namespace coach_sms {

struct TwilioAnswer {
  TwilioRequest request;
  HttpResult result;
};

// Holds all requests to Twilio that are under way, of every kind, and their answers, over HTTP or
// from the sandbox. Each request ends in one answer.
class TwilioClient {
 public:
  TwilioClient(HttpOptions options, WallClock now_us);

  void configure(HttpOptions options) { http_.configure(std::move(options)); }

  // Sends over HTTP. The first byte leaves before the moment send_before or never.
  // After an exception (no memory), nothing was sent.
  void send(TwilioRequest request, HttpRequest http, std::int64_t send_before = kNever);
  // Adds a request with the sandbox's answer to it: no network is needed.
  void answer(TwilioRequest request, HttpResult result);

  // Starts the requests since the last call, and returns the answers that have come. Does not wait.
  std::vector<TwilioAnswer> drive();
  // Ends the thread that makes the requests, and waits for its end. Requests under way have no
  // answer, and nothing may be sent afterwards.
  void end() noexcept { http_.stop(); }

  // Call drive() again once descriptor() is readable, or after timeout_ms() (-1: never).
  int descriptor() const noexcept { return http_.descriptor(); }
  int timeout_ms() const noexcept { return answers_.empty() ? http_.timeout_ms() : 0; }

  std::size_t under_way() const noexcept { return requests_.size() + answers_.size(); }
  // Returns whether a list search for this message is under way.
  bool is_searching(const Uuid& message) const;

 private:
  HttpThread http_;
  std::uint64_t next_tag_ = 1;
  std::unordered_map<std::uint64_t, TwilioRequest> requests_;  // by the thread's tag
  std::vector<TwilioAnswer> answers_;                          // of the sandbox
};

}  // namespace coach_sms
