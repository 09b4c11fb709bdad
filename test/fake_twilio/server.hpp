#pragma once

#include <microhttpd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "certificate.hpp"
#include "exchange.hpp"
#include "flow.hpp"

namespace fake_twilio {

// libmicrohttpd on 127.0.0.1: turns its callbacks into the steps of a Flow, and verdicts into
// answers. Serves from the constructor's end to the destructor.
//
// Each thread runs a daemon of its own on the one listening socket and waits for that daemon's
// epoll descriptor itself. libmicrohttpd 0.9.75's internal polling thread is no choice: with 128
// busy connections and more (its epoll_wait takes 128 events) it was seen to sleep for ever in
// epoll_wait while requests lay unread on every one of them.
class Server {
 public:
  // Without `identity` plain HTTP. Throws std::runtime_error if the port cannot be had.
  Server(World& world, const TlsIdentity* identity);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* version, const char* data,
                               std::size_t* size, void** state);
  static void on_completed(void* self, MHD_Connection* connection, void** state,
                           MHD_RequestTerminationCode how);
  static void on_connection(void* self, MHD_Connection* connection, void** state,
                            MHD_ConnectionNotificationCode what);
  static ssize_t on_content(void* reader, std::uint64_t position, char* buffer, std::size_t room);

  // One thread, its daemon, and the eventfd that interrupts its waiting. `server` is for
  // libmicrohttpd's callbacks, which are given the loop.
  struct Loop {
    Server* server;
    MHD_Daemon* daemon;
    int wake_event;
    std::thread thread;
  };

  void start(Loop& loop, int listener, const TlsIdentity* identity);
  void run(const Loop& loop) const;
  MHD_Result take_step(Exchange& exchange);
  MHD_Result send(Exchange& exchange);
  MHD_Response* make_response(Exchange& exchange);

  World& world_;
  Flow flow_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<std::uint64_t> connections_{0};
};

}  // namespace fake_twilio
