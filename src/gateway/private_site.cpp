#include "gateway/private_site.hpp"

#include "gateway/called_url.hpp"

namespace coach_sms {

MHD_Result PrivateSite::begin(Visit* visit, MHD_Connection* connection) {
  const bool is_read =
      visit->method == MHD_HTTP_METHOD_GET || visit->method == MHD_HTTP_METHOD_HEAD;
  if (is_read) return MHD_YES;
  return give({405, "text/plain", "this page takes GET only\n", {{"Allow", "GET, HEAD"}}}, visit,
              connection);
}

MHD_Result PrivateSite::body(Visit*, const char*, std::size_t) {
  return MHD_NO;
}

MHD_Result PrivateSite::end(Visit* visit, MHD_Connection* connection, HttpServer*) {
  return give(answer(*visit), visit, connection);
}

Answer PrivateSite::answer(const Visit& visit) {
  const std::string_view path = path_of(visit.target);
  if (path == "/livez") return {200, "application/json", "{\"ok\" : true}\n"};
  if (path == "/healthz") return health_->answer();
  if (path == "/metrics") return metrics_->answer();
  return {404, "text/plain", "there is nothing here\n"};
}

}  // namespace coach_sms
