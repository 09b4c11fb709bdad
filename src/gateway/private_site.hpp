#pragma once

#include "gateway/health.hpp"
#include "gateway/http_server.hpp"
#include "gateway/metrics.hpp"
#include "gateway/office/office.hpp"

namespace coach_sms {

// The private pages: /livez, which asks nobody, /healthz and /metrics, and those of the office.
class PrivateSite : public Site {
 public:
  // `office` is nullptr where there are no pages for people. `behind_proxy` says whether a proxy
  // names the browser's address.
  PrivateSite(Health* health, Metrics* metrics, Office* office, bool behind_proxy)
      : health_(health), metrics_(metrics), office_(office), behind_proxy_(behind_proxy) {}

  std::unique_ptr<Visit> new_visit() override;
  MHD_Result begin(Visit* visit, MHD_Connection* connection) override;
  MHD_Result body(Visit* visit, const char* data, std::size_t size) override;
  MHD_Result end(Visit* visit, MHD_Connection* connection, HttpServer* server) override;

 private:
  struct Browsing;

  OfficeRequest office_request(const Browsing& visit, MHD_Connection* connection) const;

  Health* health_;
  Metrics* metrics_;
  Office* office_;
  bool behind_proxy_;
};

}  // namespace coach_sms
