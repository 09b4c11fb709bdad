#include "core/http/http_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>

namespace coach_sms {

curl_socket_t HttpSockets::on_open(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) return CURL_SOCKET_BAD;
  try {
    static_cast<HttpSockets*>(self)->unnamed_.push_back(socket);
  } catch (const std::bad_alloc&) {  // name() then never finds it
  }
  return socket;
}

int HttpSockets::on_close(void* self, curl_socket_t socket) noexcept {
  auto& sockets = *static_cast<HttpSockets*>(self);
  std::erase(sockets.unnamed_, socket);
  std::erase_if(sockets.named_,
                [socket](const auto& entry) { return entry.second->socket == socket; });
  return ::close(socket);
}

void HttpSockets::name(const void* session, int local_port) noexcept try {
  const auto found = std::find_if(
      unnamed_.begin(), unnamed_.end(),
      [local_port](curl_socket_t socket) { return local_port_of(socket) == local_port; });
  if (found == unnamed_.end()) return;
  named_[session] = std::make_shared<const HttpConnection>(HttpConnection{*found});
  unnamed_.erase(found);
} catch (const std::bad_alloc&) {
}

std::shared_ptr<const HttpConnection> HttpSockets::find(const void* session) const noexcept {
  const auto found = named_.find(session);
  return found == named_.end() ? nullptr : found->second;
}

bool HttpSockets::is_idle(const std::shared_ptr<const HttpConnection>& found) noexcept {
  constexpr long kPoolAndCaller = 2;
  return found.use_count() == kPoolAndCaller;
}

int local_port_of(curl_socket_t socket) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return 0;
}

}  // namespace coach_sms
