#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/http_message.hpp"

namespace coach_sms {

// What holds for every request of a pool until it is configured anew. All numbers are positive.
struct HttpOptions {
  std::chrono::milliseconds connect_timeout{5'000};   // name, TCP, TLS
  std::chrono::milliseconds request_timeout{15'000};  // all of it, waiting for a connection too
  std::string ca_file;                                // only these are trusted; empty: the system's
  std::string proxy;                                  // empty: none, whatever the environment says
  int max_connections_per_host = 64;
  int max_response_bytes = 65'536;  // of the body; the rest is not read
  bool http2 = true;                // over TLS, where the server offers it
  std::string user_agent;           // empty: no such header
  // Whether a request's mark has changed; asked right before its first byte. It must not throw.
  bool (*is_retracted)(const RetractionMark&) = nullptr;
  // For tests: called when connected, with nothing sent yet; not for a GET.
  void (*before_send)() = nullptr;
};

// Wall clock, microseconds since 1970. It must not throw.
using WallClock = std::int64_t (*)();

// One libcurl easy handle, used for one request after the other, and all that its callbacks write
// to. libcurl keeps its address: it never moves.
class HttpTransfer {
 public:
  // Throws Error (kInternal) where libcurl refuses an option.
  HttpTransfer(std::shared_ptr<const HttpOptions> options, WallClock now_us);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const noexcept { return easy_.get(); }
  const std::shared_ptr<const HttpOptions>& options() const noexcept { return options_; }

  // Takes the request over; the caller then gives handle() to a multi handle. The first byte leaves
  // before send_before_us (wall clock) or never. Throws Error (kInternal).
  void prepare(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us);

  // When the pool gives the request up though libcurl has not: past its time, or its lease.
  std::int64_t give_up_at_us() const noexcept;

  // The result, once handle() has left the multi handle; the request is forgotten.
  HttpResult finish(CURLcode code);
  HttpResult give_up();

  // The callbacks' side. libcurl asks before each sending of a request, and would send one again
  // on a fresh connection where a kept one dies before any answer (Curl_retry_request). A text
  // that may have been taken must not go twice: only the first sending is allowed.
  bool may_send() noexcept;
  void take_header(std::string_view line) noexcept;
  bool take_body(std::string_view part) noexcept;

  std::size_t slot = 0;  // the pool's: where it keeps this transfer while it is in flight

 private:
  struct Cleanup {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };

  template <typename Value>
  void set(CURLoption option, Value value);
  void set_callbacks();
  void set_limits();
  void set_trust();
  HttpProgress progress(long status) const noexcept;

  std::shared_ptr<const HttpOptions> options_;
  std::unique_ptr<CURL, Cleanup> easy_;
  WallClock now_us_;
  std::array<char, CURL_ERROR_SIZE> error_{};

  HttpRequest request_;  // libcurl reads the body from here
  HttpResult result_;
  std::int64_t give_up_at_us_ = 0;
  std::int64_t send_before_us_ = 0;
  bool sent_ = false;              // from here on, bytes may have left
  const char* refusal_ = nullptr;  // why we stopped it ourselves
};

}  // namespace coach_sms
