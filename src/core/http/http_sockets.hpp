#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>
#include <vector>

namespace coach_sms {

// A connection with TLS. Each request under way on it shares its ownership.
struct HttpConnection {
  curl_socket_t socket = CURL_SOCKET_BAD;
};

// The sockets of a pool's connections, each by the TLS session that it carries. Right before a
// request leaves, libcurl gives its TLS session, but no release before 8.23 gives its socket.
class HttpSockets {
 public:
  // libcurl opens and closes its sockets with these callbacks; `self` is an HttpSockets.
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  static int on_close(void* self, curl_socket_t socket) noexcept;

  // Records the socket of a fresh connection's session: the open one with that local port.
  void name(const void* session, int local_port) noexcept;
  // Returns the session's connection; nullptr where it is not known.
  std::shared_ptr<const HttpConnection> find(const void* session) const noexcept;
  // Returns whether no request is under way on a connection that the caller has just found.
  static bool is_idle(const std::shared_ptr<const HttpConnection>& found) noexcept;

 private:
  std::vector<curl_socket_t> unnamed_;
  std::map<const void*, std::shared_ptr<const HttpConnection>> named_;
};

// Returns the port on our side; 0 where the socket has none.
int local_port_of(curl_socket_t socket) noexcept;

}  // namespace coach_sms
