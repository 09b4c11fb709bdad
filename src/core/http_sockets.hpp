#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <curl/curl.h>

#include <map>
#include <vector>

namespace coach_sms {

// The sockets of a pool's connections, each under the TLS session that it carries. libcurl tells a
// request that is about to leave its TLS session, and no release before 8.23 tells its socket.
class HttpSockets {
 public:
  // libcurl opens and closes its sockets by these; `self` is an HttpSockets.
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept;
  static int on_close(void* self, curl_socket_t socket) noexcept;

  // A fresh connection: its socket is the one with that port of ours.
  void name(const void* session, int local_port) noexcept;
  // CURL_SOCKET_BAD where it is not known.
  curl_socket_t find(const void* session) const noexcept;

 private:
  std::vector<curl_socket_t> unnamed_;
  std::map<const void*, curl_socket_t> named_;
};

// The port on our side; 0 where the socket has none.
int local_port_of(curl_socket_t socket) noexcept;

}  // namespace coach_sms
