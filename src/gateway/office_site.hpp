#pragma once

#include "gateway/http_server.hpp"
#include "gateway/office/office.hpp"

namespace coach_sms {

// The pages for people. They have an address of their own, so that a proxy before them shows
// nothing else.
class OfficeSite : public Site {
 public:
  // `behind_proxy` says whether a proxy of ours makes all connections, and names the browser.
  OfficeSite(Office* office, bool behind_proxy) : office_(office), behind_proxy_(behind_proxy) {}

  std::unique_ptr<Visit> new_visit() override;
  MHD_Result begin(Visit* visit, MHD_Connection* connection) override;
  MHD_Result body(Visit* visit, const char* data, std::size_t size) override;
  MHD_Result end(Visit* visit, MHD_Connection* connection, HttpServer* server) override;

 private:
  struct Browsing;

  OfficeRequest request_of(const Browsing& visit, MHD_Connection* connection) const;

  Office* office_;
  bool behind_proxy_;
};

}  // namespace coach_sms
