#include "gateway/private_site.hpp"

#include <arpa/inet.h>

#include "core/base/error.hpp"
#include "gateway/called_url.hpp"

namespace coach_sms {

namespace {

const Answer kNotFound{404, "text/plain", "there is nothing here\n"};
const Answer kReadOnly{405, "text/plain", "this page takes GET only\n", {{"Allow", "GET, HEAD"}}};

bool is_read(const Visit& visit) {
  return visit.method == MHD_HTTP_METHOD_GET || visit.method == MHD_HTTP_METHOD_HEAD;
}

bool is_for_machines(std::string_view path) {
  return path == "/livez" || path == "/healthz" || path == "/metrics";
}

// Returns the query of a target, without its question mark.
std::string_view query_of(std::string_view target) {
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// Returns whether a page of this site sent the request. Browsers say so in Sec-Fetch-Site, older
// ones in Origin.
bool is_ours(MHD_Connection* connection) {
  const std::string_view site = header(connection, "Sec-Fetch-Site");
  if (!site.empty()) return site == "same-origin";
  const std::string_view origin = header(connection, "Origin");
  const std::string host(header(connection, MHD_HTTP_HEADER_HOST));
  return !host.empty() && (origin == "http://" + host || origin == "https://" + host);
}

std::string peer_of(MHD_Connection* connection) {
  const sockaddr* address =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  else if (address->sa_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
              sizeof text);
  return text;
}

// Returns the address that the proxy before us saw: the last one of X-Forwarded-For.
std::string forwarded_for(MHD_Connection* connection) {
  std::string_view all = header(connection, "X-Forwarded-For");
  if (const auto comma = all.rfind(','); comma != std::string_view::npos)
    all.remove_prefix(comma + 1);
  const auto begin = all.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string() : std::string(all.substr(begin, 64));
}

}  // namespace

struct PrivateSite::Browsing : Visit {
  std::string content;
};

std::unique_ptr<Visit> PrivateSite::new_visit() {
  return std::make_unique<Browsing>();
}

MHD_Result PrivateSite::begin(Visit* visit, MHD_Connection* connection) {
  if (is_read(*visit)) return MHD_YES;
  const bool is_form = office_ != nullptr && visit->method == MHD_HTTP_METHOD_POST &&
                       !is_for_machines(path_of(visit->target));
  return is_form ? MHD_YES : give(kReadOnly, visit, connection);
}

MHD_Result PrivateSite::body(Visit* visit, const char* data, std::size_t size) {
  std::string& content = static_cast<Browsing*>(visit)->content;
  if (content.size() + size > kMaxFormSize) return MHD_NO;
  content.append(data, size);
  return MHD_YES;
}

MHD_Result PrivateSite::end(Visit* visit, MHD_Connection* connection, HttpServer*) {
  const std::string_view path = path_of(visit->target);
  if (path == "/livez")
    return give({200, "application/json", "{\"ok\" : true}\n"}, visit, connection);
  if (path == "/healthz") return give(health_->answer(), visit, connection);
  if (path == "/metrics") return give(metrics_->answer(), visit, connection);
  if (office_ == nullptr) return give(kNotFound, visit, connection);
  try {
    const OfficeRequest request = office_request(static_cast<Browsing&>(*visit), connection);
    return give(office_->answer(request), visit, connection);
  } catch (const Error&) {
    return give({400, "text/plain", "the form cannot be read\n"}, visit, connection);
  }
}

OfficeRequest PrivateSite::office_request(const Browsing& visit, MHD_Connection* connection) const {
  OfficeRequest request;
  request.is_post = !is_read(visit);
  request.path = path_of(visit.target);
  request.query = parse_form(query_of(visit.target));
  request.form = parse_form(visit.content);
  const char* cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, Office::kCookie);
  if (cookie != nullptr) request.cookie = cookie;
  request.address = behind_proxy_ ? forwarded_for(connection) : peer_of(connection);
  request.is_ours = is_ours(connection);
  return request;
}

}  // namespace coach_sms
