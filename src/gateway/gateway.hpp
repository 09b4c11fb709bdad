#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "gateway/call_queue.hpp"
#include "gateway/call_worker.hpp"
#include "gateway/health.hpp"
#include "gateway/http_server.hpp"
#include "gateway/metrics.hpp"
#include "gateway/office_site.hpp"
#include "gateway/options.hpp"
#include "gateway/private_site.hpp"
#include "gateway/public_site.hpp"

namespace coach_sms {

// The whole gateway: two listening addresses, the held calls, and the workers that pass them on.
class Gateway {
 public:
  // Begins to serve. Throws Error (kInvalidArgument) where it cannot listen.
  explicit Gateway(Options options);
  // Takes no new connections, answers the calls that it has, and ends: after hold_time and two
  // seconds at the latest.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  int port() const { return public_server_->port(); }
  int private_port() const { return private_server_->port(); }
  // Returns the port of the office's pages; 0: there are none.
  int office_port() const { return office_server_ != nullptr ? office_server_->port() : 0; }
  // Ends what lasts too long. To be called several times a second.
  void tick();

 private:
  void end();
  void pause();
  void add_own_figures(MetricText* text) const;

  Options options_;
  CallQueue queue_;
  DatabaseNews news_;
  Health health_;
  Metrics metrics_;
  Office office_;
  PublicSite public_site_;
  PrivateSite private_site_;
  OfficeSite office_site_;
  std::vector<std::unique_ptr<CallWorker>> workers_;
  std::unique_ptr<HttpServer> public_server_;
  std::unique_ptr<HttpServer> private_server_;
  std::unique_ptr<HttpServer> office_server_;
  // The server whose figures the private pages show; nullptr until it is there.
  std::atomic<const HttpServer*> shown_ = nullptr;
};

}  // namespace coach_sms
