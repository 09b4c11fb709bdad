#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/http/http_pool.hpp"
#include "core/sending/requests.hpp"

namespace coach_sms {

struct TwilioAnswer {
  TwilioRequest request;
  HttpResult result;
};

// All requests to Twilio that are under way, of whatever kind, and their answers: by HTTP, or made
// up by the sandbox. Each request ends in one answer.
class TwilioClient {
 public:
  TwilioClient(HttpOptions options, WallClock now_us);

  void configure(HttpOptions options) { pool_.configure(std::move(options)); }

  // Sends over HTTP; the first byte leaves before send_before or never. An exception (no memory)
  // means that nothing was sent.
  void send(TwilioRequest request, HttpRequest http, std::int64_t send_before = kNever);
  // A request that the sandbox has answered: no network is needed.
  void answer(TwilioRequest request, HttpResult result);

  // Moves everything along as far as it goes without waiting, and returns what was answered.
  std::vector<TwilioAnswer> drive();

  // When to call drive() again: once descriptor() is readable, or after timeout_ms() (-1: never).
  int descriptor() const noexcept { return pool_.descriptor(); }
  int timeout_ms() const noexcept { return answers_.empty() ? pool_.timeout_ms() : 0; }

  std::size_t under_way() const noexcept { return requests_.size() + answers_.size(); }
  bool is_searching(const Uuid& message) const;

 private:
  HttpPool pool_;
  std::uint64_t next_tag_ = 1;
  std::unordered_map<std::uint64_t, TwilioRequest> requests_;  // by the pool's tag
  std::vector<TwilioAnswer> answers_;                          // of the sandbox
};

}  // namespace coach_sms
