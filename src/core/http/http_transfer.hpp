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

#include "core/http/http_message.hpp"
#include "core/http/http_sockets.hpp"

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
  bool (*is_recalled)(const RecallMark&) = nullptr;
  // For tests: called when connected, with nothing sent yet; not for a GET.
  void (*before_send)() = nullptr;
};

// Which protocol a host's connections speak, as far as one has told.
enum class Spoken { kUnknown, kHttp1, kHttp2 };

// Wall clock, microseconds since 1970. It must not throw.
using WallClock = std::int64_t (*)();

// One libcurl easy handle, used for one request after the other, and all that its callbacks write
// to. libcurl keeps its address: it never moves.
class HttpTransfer {
 public:
  // Throws Error (kInternal) where libcurl refuses an option.
  HttpTransfer(std::shared_ptr<const HttpOptions> options, WallClock now_us, HttpSockets& sockets);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const noexcept { return easy_.get(); }
  const std::shared_ptr<const HttpOptions>& options() const noexcept { return options_; }

  // Takes the request over; the caller then gives handle() to a multi handle. The first byte leaves
  // before send_before_us (wall clock) or never. Throws Error (kInternal).
  void prepare(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us);

  // Where its host speaks HTTP/2, the request waits for a connection that is being made, and shares
  // it. Towards others it must not: libcurl may let it wait for somebody's answer. Throws Error.
  void set_sharing(Spoken spoken);
  // Whether it may find out what its host speaks: over TLS, with HTTP/2 allowed.
  bool may_share() const noexcept { return may_share_; }
  // As the connection's TLS handshake had it, once there is one.
  Spoken spoken() const noexcept { return spoken_; }
  const std::string& host() const noexcept { return host_; }

  // Whether the kept connection that it was to leave on had ended: nothing has left. It is then
  // made ready for a fresh one. Throws Error.
  bool is_stale() const noexcept { return stale_; }
  void use_fresh_connection();

  // When the pool gives the request up though libcurl has not: past its time, or its lease.
  std::int64_t give_up_at_us() const noexcept;

  // The result, once handle() has left the multi handle; the request is forgotten.
  HttpResult finish(CURLcode code);
  HttpResult give_up();

  // The callbacks' side. libcurl asks before each sending of a request, and would send one again
  // on a fresh connection where a kept one dies before any answer (Curl_retry_request). A text
  // that may have been taken must not go twice: only the first sending is allowed.
  bool may_send(int local_port) noexcept;
  void take_header(std::string_view line) noexcept;
  bool take_body(std::string_view part) noexcept;

  std::size_t slot = 0;     // the pool's: where it keeps this transfer while it is in flight
  bool is_waiting = false;  // the pool's: not given to libcurl yet

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
  bool sent_ = false;                                 // from here on, bytes may have left
  std::shared_ptr<const HttpConnection> connection_;  // with TLS: the one that it left on
  const char* refusal_ = nullptr;                     // why we stopped it ourselves
};

}  // namespace coach_sms
