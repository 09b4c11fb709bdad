#include "gateway/http_server.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

#include "core/base/error.hpp"
#include "gateway/called_url.hpp"
#include "gateway/log.hpp"

namespace coach_sms {

namespace {

// The memory of a connection for the head of a request, twice the longest URL.
constexpr std::size_t kMostHeadBytes = 16 * 1024;

[[noreturn]] void refuse(const std::string& address, const char* why) {
  throw Error(ErrorKind::kInvalidArgument, "cannot listen at \"" + address + "\": " + why);
}

struct FreeAddress {
  void operator()(addrinfo* address) const noexcept { freeaddrinfo(address); }
};

std::unique_ptr<addrinfo, FreeAddress> look_up(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) refuse(address, "it is not HOST:PORT");
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.empty() ? nullptr : host.c_str(), address.c_str() + colon + 1,
                                &hints, &found);
  if (error != 0) refuse(address, gai_strerror(error));
  return std::unique_ptr<addrinfo, FreeAddress>(found);
}

}  // namespace

HttpServer::HttpServer(const ServerOptions& options, Site* site) : options_(options), site_(site) {
  const auto address = look_up(options.address);
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC;
  flags |= options.has_thread_per_connection ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL
                                             : MHD_ALLOW_SUSPEND_RESUME | MHD_USE_EPOLL;
  if (address->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
  daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &HttpServer::on_request, this,  //
                             MHD_OPTION_SOCK_ADDR, address->ai_addr,                     //
                             MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024U,                      //
                             MHD_OPTION_CONNECTION_LIMIT, options.connections,           //
                             MHD_OPTION_PER_IP_CONNECTION_LIMIT, options.connections_per_address,
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMostHeadBytes,              //
                             MHD_OPTION_NOTIFY_CONNECTION, &HttpServer::on_connection, this,  //
                             MHD_OPTION_URI_LOG_CALLBACK, &HttpServer::on_target, this,       //
                             MHD_OPTION_NOTIFY_COMPLETED, &HttpServer::on_completed, this,    //
                             MHD_OPTION_END);
  if (daemon_ == nullptr) refuse(options.address, std::strerror(errno));
}

HttpServer::~HttpServer() {
  MHD_stop_daemon(daemon_);
  if (closed_door_ >= 0) close(closed_door_);
}

int HttpServer::port() const {
  return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

unsigned HttpServer::connections() const {
  return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

void HttpServer::close_door() {
  // The socket may be closed after MHD_stop_daemon() only. Its number would be another's before.
  closed_door_ = MHD_quiesce_daemon(daemon_);
  if (closed_door_ >= 0) shutdown(closed_door_, SHUT_RDWR);
}

void HttpServer::on_connection(void* self, MHD_Connection* connection, void**,
                               MHD_ConnectionNotificationCode code) try {
  auto* server = static_cast<HttpServer*>(self);
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    server->deadlines_.add(connection, Clock::now() + server->options_.request_time);
  else
    server->deadlines_.remove(connection);
} catch (const std::exception& error) {  // no memory: the connection has no deadline
  log_line(error.what());
}

// Makes the visit; libmicrohttpd keeps it for on_request() and on_completed().
void* HttpServer::on_target(void* self, const char* target, MHD_Connection* connection) try {
  auto* server = static_cast<HttpServer*>(self);
  std::unique_ptr<Visit> visit = server->site_->new_visit();
  visit->target = target;
  visit->begin = Clock::now();
  ++server->visits_;
  server->extend(connection, server->options_.request_time);
  return visit.release();
} catch (const std::exception&) {
  return nullptr;
}

MHD_Result HttpServer::on_request(void* self, MHD_Connection* connection, const char*,
                                  const char* method, const char*, const char* data,
                                  std::size_t* size, void** visit) try {
  if (*visit == nullptr) return MHD_NO;  // no memory
  return static_cast<HttpServer*>(self)->serve(static_cast<Visit*>(*visit), connection, method,
                                               data, size);
} catch (const std::exception& error) {
  log_line(std::string("a request was dropped: ") + error.what());
  return MHD_NO;
}

MHD_Result HttpServer::serve(Visit* visit, MHD_Connection* connection, const char* method,
                             const char* data, std::size_t* size) {
  if (visit->method.empty()) {
    visit->method = method;
    return site_->begin(visit, connection);
  }
  if (*size == 0) return site_->end(visit, connection, this);
  const MHD_Result result = site_->body(visit, data, *size);
  *size = 0;
  return result;
}

void HttpServer::on_completed(void* self, MHD_Connection* connection, void** context,
                              MHD_RequestTerminationCode) try {
  const std::unique_ptr<Visit> visit(static_cast<Visit*>(*context));
  auto* server = static_cast<HttpServer*>(self);
  server->extend(connection, server->options_.request_time);  // of the next request
  if (visit == nullptr) return;
  --server->visits_;
  if (visit->status != 0) server->answers_.count(visit->status);
  server->log_access(*visit);
} catch (const std::exception& error) {  // no memory for the line
  log_line(error.what());
}

// The query is left out: it may name a person's message.
void HttpServer::log_access(const Visit& visit) const {
  if (!options_.access_log) return;
  const auto taken =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - visit.begin);
  const std::string request = printable(visit.method + ' ' + std::string(path_of(visit.target)));
  std::printf("%s %d %lld ms\n", request.c_str(), visit.status,
              static_cast<long long>(taken.count()));
  std::fflush(stdout);
}

MHD_Result give(const Answer& answer, Visit* visit, MHD_Connection* connection) {
  MHD_Response* response = MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  if (!answer.content_type.empty())
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  for (const auto& [name, value] : answer.headers)
    MHD_add_response_header(response, name, value.c_str());
  visit->status = answer.status;
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

std::string_view header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value != nullptr ? value : std::string_view();
}

}  // namespace coach_sms
