#pragma once

#include <atomic>

#include "gateway/call_queue.hpp"
#include "gateway/http_server.hpp"
#include "gateway/options.hpp"

namespace coach_sms {

// The public pages: POST of Twilio's calls, and nothing else.
class PublicSite : public Site {
 public:
  // Both must outlive it.
  PublicSite(const Options* options, CallQueue* queue) : options_(options), queue_(queue) {}

  std::unique_ptr<Visit> new_visit() override;
  MHD_Result begin(Visit* visit, MHD_Connection* connection) override;
  MHD_Result body(Visit* visit, const char* data, std::size_t size) override;
  MHD_Result end(Visit* visit, MHD_Connection* connection, HttpServer* server) override;

 private:
  struct Posting;

  MHD_Result hold(Posting* posting, MHD_Connection* connection, HttpServer* server);
  bool add(const std::shared_ptr<Call>& call);

  const Options* options_;
  CallQueue* queue_;
  std::atomic<std::size_t> arriving_{0};  // bytes of bodies that are not whole
};

}  // namespace coach_sms
