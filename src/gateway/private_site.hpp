#pragma once

#include "gateway/health.hpp"
#include "gateway/http_server.hpp"
#include "gateway/metrics.hpp"

namespace coach_sms {

// The private pages: /livez, which asks nobody, /healthz and /metrics.
class PrivateSite : public Site {
 public:
  PrivateSite(Health* health, Metrics* metrics) : health_(health), metrics_(metrics) {}

  std::unique_ptr<Visit> new_visit() override { return std::make_unique<Visit>(); }
  MHD_Result begin(Visit* visit, MHD_Connection* connection) override;
  MHD_Result body(Visit* visit, const char* data, std::size_t size) override;
  MHD_Result end(Visit* visit, MHD_Connection* connection, HttpServer* server) override;

 private:
  Answer answer(const Visit& visit);

  Health* health_;
  Metrics* metrics_;
};

}  // namespace coach_sms
