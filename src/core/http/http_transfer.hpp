#pragma once

#include <curl/curl.h>
#include <openssl/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/moments.hpp"
#include "core/http/http_message.hpp"
#include "core/http/http_sockets.hpp"

namespace coach_sms {

// The options of each request of a pool, until the pool is configured anew. All numbers are
// positive.
struct HttpOptions {
  std::chrono::milliseconds connect_timeout{5'000};   // name, TCP, TLS
  std::chrono::milliseconds request_timeout{15'000};  // all of it, with the wait for a connection
  std::string ca_file;                                // trusted alone; empty: the system's file
  std::string proxy;                                  // empty: none, whatever the environment says
  int max_connections_per_host = 64;
  int max_response_bytes = 65'536;  // of the body; the rest is not read
  bool http2 = true;                // over TLS, where the server offers it
  std::string user_agent;           // empty: no such header
  // Returns whether a request's mark has changed. The pool calls it right before the first byte
  // leaves. It must not throw.
  bool (*is_recalled)(const RecallMark&) = nullptr;
  // For tests: called when a request is connected and nothing of it is sent; not called for a GET.
  void (*before_send)() = nullptr;
};

// The protocol that a host's connections speak, as far as one has shown it.
enum class Spoken { kUnknown, kHttp1, kHttp2 };

// One libcurl easy handle, and all that its callbacks write to. It serves one request after the
// other. It never moves, because libcurl keeps its address.
class HttpTransfer {
 public:
  // Throws Error (kInternal) where libcurl refuses an option.
  HttpTransfer(std::shared_ptr<const HttpOptions> options, WallClock now_us, HttpSockets& sockets);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const noexcept { return easy_.get(); }
  const std::shared_ptr<const HttpOptions>& options() const noexcept { return options_; }

  // Takes the request over; the caller then gives handle() to a multi handle. The first byte leaves
  // before send_before_us (a moment by the wall clock) or never. Throws Error (kInternal).
  void prepare(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us);

  // Lets the request wait for a connection that is being made, and share it, if its host speaks
  // HTTP/2. With another host the request must not wait: it could wait for another request's
  // answer. Throws Error (kInternal).
  void set_sharing(Spoken spoken);
  // Returns whether the request can show the protocol of its host: over TLS, with HTTP/2 allowed.
  bool may_share() const noexcept { return may_share_; }
  // Returns the protocol as the connection's TLS handshake showed it, else as the answer did;
  // kUnknown before that.
  Spoken spoken() const noexcept { return spoken_; }
  const std::string& host() const noexcept { return host_; }

  // Returns whether the kept connection for the request had ended: nothing has left.
  bool is_stale() const noexcept { return stale_; }
  // Makes a stale request ready for a fresh connection. Throws Error (kInternal).
  void use_fresh_connection();

  // Returns when the pool gives the request up although libcurl has not (a moment).
  // A request has until its timeout, and before it is sent also no longer than its lease.
  std::int64_t give_up_at_us() const noexcept;

  // Returns the result, once handle() has left the multi handle, and forgets the request.
  HttpResult finish(CURLcode code);
  // Does the same for a request whose time is over.
  HttpResult give_up();

  // The functions for libcurl's callbacks. libcurl calls may_send() before each sending of a
  // request. If a kept connection dies before any answer, libcurl would send the request again on a
  // fresh one (Curl_retry_request). Twilio may already have taken the message, so only the first
  // sending is allowed.
  bool may_send(int local_port) noexcept;
  void take_header(std::string_view line) noexcept;
  bool take_body(std::string_view part) noexcept;

  std::size_t slot = 0;     // the pool's index of this transfer while it is in flight
  bool is_waiting = false;  // the pool's: libcurl does not have it yet

 private:
  struct Cleanup {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };

  template <typename Value>
  void set(CURLoption option, Value value);
  void set_callbacks();
  void set_limits();
  void set_trust();
  const SSL* session() const noexcept;
  Spoken negotiated() const noexcept;
  bool is_fresh() const noexcept;
  curl_socket_t plain_socket(int local_port) const noexcept;
  bool has_ended(int local_port) noexcept;
  HttpProgress progress(long status) const noexcept;

  std::shared_ptr<const HttpOptions> options_;
  HttpSockets& sockets_;
  std::unique_ptr<CURL, Cleanup> easy_;
  WallClock now_us_;
  std::array<char, CURL_ERROR_SIZE> error_{};

  HttpRequest request_;  // libcurl reads the body from here
  HttpResult result_;
  std::int64_t give_up_at_us_ = 0;
  std::int64_t send_before_us_ = 0;
  bool may_share_ = false;
  Spoken spoken_ = Spoken::kUnknown;
  std::string host_;  // scheme and authority of its URL
  bool stale_ = false;
  bool fresh_ = false;
  bool sent_ = false;                                 // true: bytes may have left
  std::shared_ptr<const HttpConnection> connection_;  // with TLS: the connection that it left on
  const char* refusal_ = nullptr;                     // why we stopped the request
};

}  // namespace coach_sms
