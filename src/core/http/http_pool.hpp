#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/http/descriptor.hpp"
#include "core/http/http_message.hpp"
#include "core/http/http_transfer.hpp"

namespace coach_sms {

// Initialises libcurl, once a process, before the first pool and before any thread. The process
// must ignore SIGPIPE, as PostgreSQL's processes do: TLS writes to sockets whose other end may be
// gone. Throws Error (kInternal).
void http_global_init();

// Returns the file of the certificates that libcurl trusts by default; nullptr where libcurl was
// built without one.
const char* system_ca_file() noexcept;

// Makes many HTTP requests at once in one thread. No function waits: the caller waits until
// descriptor() is readable or timeout_ms() is over, and then calls drive(). Each added request ends
// in exactly one result and is sent at most once.
//
// A request ends as kUnsent if libcurl never began to send it (DNS, TCP, TLS, proxy, no connection
// in time, lease over, recalled). It ends as kAnswered once the status line of a final response
// came, even if its body broke off (then body_truncated). Between the two it ends as kUnanswered.
class HttpPool {
 public:
  // Throws Error (kInternal) where the system has no descriptor or memory left. Block all signals
  // in the thread that uses the pool: libcurl's resolver threads inherit its mask.
  HttpPool(HttpOptions options, WallClock now_us);
  ~HttpPool();  // drops requests in flight without a result; their outcome is unknown
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  // Sets the options of requests added from now on. Connections that still fit are kept.
  void configure(HttpOptions options);

  // Adds a request; `tag` comes back with its result. The first byte leaves before send_before_us
  // (a moment by the wall clock) or never. A request that cannot even start has its result
  // at once.
  void add(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us);

  int descriptor() const noexcept { return epoll_.get(); }
  int timeout_ms() const noexcept;  // call drive() then at the latest; 0: now; -1: never
  // Advances all requests as far as possible without waiting.
  void drive();
  // Returns the results since the last call, and forgets them.
  std::vector<HttpResult> take_finished();
  std::size_t in_flight() const noexcept { return active_.size(); }

 private:
  struct Cleanup {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };

  // While it is unknown whether a host speaks HTTP/2, the host gets one request first. The others
  // wait for that one's TLS handshake, but no longer than half a second.
  struct Host {
    Spoken spoken = Spoken::kUnknown;
    const HttpTransfer* first = nullptr;
    std::int64_t wait_until_us = 0;
  };

  std::unique_ptr<HttpTransfer> idle_transfer();
  bool waits_for_host(const HttpTransfer& transfer);
  void start(HttpTransfer& transfer);
  bool start_again(HttpTransfer& transfer);
  void learn(const HttpTransfer& transfer);
  void start_waiting();
  void apply_limits() noexcept;
  void handle_sockets();
  void collect_finished();
  void give_up_overdue();
  std::unique_ptr<HttpTransfer> remove(HttpTransfer& transfer);
  void keep(std::unique_ptr<HttpTransfer> transfer);

  std::shared_ptr<const HttpOptions> options_;
  WallClock now_us_;
  Descriptor epoll_;     // outlives multi_, which removes its sockets from it
  HttpSockets sockets_;  // outlives multi_, which closes them
  std::unique_ptr<CURLM, Cleanup> multi_;
  std::vector<std::unique_ptr<HttpTransfer>> active_;  // inside multi_, or waiting
  std::vector<std::unique_ptr<HttpTransfer>> idle_;    // to be used again
  std::map<std::string, Host> hosts_;
  std::vector<HttpResult> finished_;
  std::int64_t next_give_up_us_;  // no request is overdue before
};

}  // namespace coach_sms
