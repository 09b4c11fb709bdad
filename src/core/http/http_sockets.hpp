#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>
#include <vector>

namespace coach_sms {

// A connection with TLS. The requests that are under way on it hold it.
struct HttpConnection {
  curl_socket_t socket = CURL_SOCKET_BAD;
};

// The sockets of a pool's connections, each under the TLS session that it carries. libcurl tells a
// request that is about to leave its TLS session, and no release before 8.23 tells its socket.
class HttpSockets {
 public:
  // libcurl opens and closes its sockets by these; `self` is an HttpSockets.
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  static int on_close(void* self, curl_socket_t socket) noexcept;

  // A fresh connection: its socket is the one with that port of ours.
  void name(const void* session, int local_port) noexcept;
  // nullptr where it is not known.
  std::shared_ptr<const HttpConnection> find(const void* session) const noexcept;
  // Whether no request is under way on it; the caller has just found it.
  static bool is_idle(const std::shared_ptr<const HttpConnection>& found) noexcept;

 private:
  std::vector<curl_socket_t> unnamed_;
  std::map<const void*, std::shared_ptr<const HttpConnection>> named_;
};

// The port on our side; 0 where the socket has none.
int local_port_of(curl_socket_t socket) noexcept;

}  // namespace coach_sms
