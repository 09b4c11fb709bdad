#include "gateway/office_site.hpp"

#include <arpa/inet.h>
#include <strings.h>

#include "core/base/error.hpp"
#include "gateway/called_url.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerTime = 30s;  // more than Office takes for an answer

const Answer kNotAllowed{
    405, "text/plain", "this page takes GET and POST only\n", {{"Allow", "GET, HEAD, POST"}}};

bool is_post(const Visit& visit) {
  return visit.method == MHD_HTTP_METHOD_POST;
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

// Returns the address that the proxy before us saw: the last one of the last X-Forwarded-For. A
// browser may have sent others, which come before it.
std::string forwarded_for(MHD_Connection* connection) {
  std::string_view last;
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* found, MHD_ValueKind, const char* name, const char* value) {
        if (value != nullptr && strcasecmp(name, "X-Forwarded-For") == 0)
          *static_cast<std::string_view*>(found) = value;
        return MHD_YES;
      },
      &last);
  if (const auto comma = last.rfind(','); comma != std::string_view::npos)
    last.remove_prefix(comma + 1);
  const auto begin = last.find_first_not_of(' ');
  return begin == std::string_view::npos ? peer_of(connection)
                                         : std::string(last.substr(begin, INET6_ADDRSTRLEN));
}

}  // namespace

struct OfficeSite::Browsing : Visit {
  std::string content;
};

std::unique_ptr<Visit> OfficeSite::new_visit() {
  return std::make_unique<Browsing>();
}

MHD_Result OfficeSite::begin(Visit* visit, MHD_Connection* connection) {
  const bool is_taken = is_post(*visit) || visit->method == MHD_HTTP_METHOD_GET ||
                        visit->method == MHD_HTTP_METHOD_HEAD;
  return is_taken ? MHD_YES : give(kNotAllowed, visit, connection);
}

MHD_Result OfficeSite::body(Visit* visit, const char* data, std::size_t size) {
  std::string& content = static_cast<Browsing*>(visit)->content;
  if (content.size() + size > kMaxFormSize) return MHD_NO;
  content.append(data, size);
  return MHD_YES;
}

MHD_Result OfficeSite::end(Visit* visit, MHD_Connection* connection, HttpServer* server) {
  server->extend(connection, kAnswerTime);
  OfficeRequest request;
  try {
    request = request_of(static_cast<Browsing&>(*visit), connection);
  } catch (const Error&) {
    return give({400, "text/plain", "the form cannot be read\n"}, visit, connection);
  }
  return give(office_->answer(request), visit, connection);
}

OfficeRequest OfficeSite::request_of(const Browsing& visit, MHD_Connection* connection) const {
  OfficeRequest request;
  request.is_post = is_post(visit);
  request.path = path_of(visit.target);
  request.query = parse_form(query_of(visit.target));
  request.form = parse_form(visit.content);
  const char* cookie =
      MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, office_->cookie_name());
  if (cookie != nullptr) request.cookie = cookie;
  request.address = behind_proxy_ ? forwarded_for(connection) : peer_of(connection);
  request.is_ours = is_ours(connection);
  return request;
}

}  // namespace coach_sms
