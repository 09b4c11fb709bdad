#pragma once

#include <microhttpd.h>

#include <cstdint>

#include "certificate.hpp"
#include "request.hpp"

namespace fake_twilio {

// libmicrohttpd on 127.0.0.1, a thread for each connection. Serves from the constructor's end to
// the destructor.
class Server {
 public:
  // Without `identity` plain HTTP. Throws std::runtime_error if the port cannot be had.
  Server(World& world, const TlsIdentity* identity);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;

 private:
  World& world_;
  MHD_Daemon* daemon_;
};

}  // namespace fake_twilio
