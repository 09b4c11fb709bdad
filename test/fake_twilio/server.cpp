#include "server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <vector>

namespace fake_twilio {

namespace {

constexpr std::size_t kLargestBody = 8 << 20;

// Dissolving a TCP association makes Linux send RST at once, whatever is still in its buffers.
void reset_connection(int socket) {
  sockaddr nowhere = {};
  nowhere.sa_family = AF_UNSPEC;
  (void)connect(socket, &nowhere, sizeof nowhere);
}

MHD_Result add_argument(void* form, MHD_ValueKind, const char* name, const char* value) {
  static_cast<Form*>(form)->fields.emplace_back(name, value ? value : "");
  return MHD_YES;
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value ? value : "";
}

// Numbers the connection; libmicrohttpd keeps the number in place of a pointer.
void on_connection(void*, MHD_Connection*, void** context, MHD_ConnectionNotificationCode what) {
  static std::atomic<std::uintptr_t> connections{0};
  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    *context = reinterpret_cast<void*>(++connections);  // NOLINT(performance-no-int-to-ptr)
}

Request* new_request(MHD_Connection* connection, const char* path, const char* method) {
  const auto ask = [connection](MHD_ConnectionInfoType what) {
    return MHD_get_connection_info(connection, what);
  };
  auto request = std::make_unique<Request>();
  request->socket = ask(MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  request->row.connection =
      reinterpret_cast<std::uintptr_t>(ask(MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  request->path = path;
  request->method = method;
  request->authorization = header(connection, "Authorization");
  request->content_type = header(connection, "Content-Type");
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, &request->query);
  return request.release();
}

// An answer that drips, or that ends before its declared length.
struct Trickle {
  World& world;
  const Answer& answer;

  static ssize_t next(void* self, std::uint64_t position, char* buffer, std::size_t room) {
    const auto& [world, answer] = *static_cast<Trickle*>(self);
    const std::size_t end = answer.cut_wire ? answer.body.size() / 2 : answer.body.size();
    if (position >= end || !world.pauses.hold(answer.drip_ms))
      return MHD_CONTENT_READER_END_WITH_ERROR;
    const std::size_t piece = answer.drip_ms != 0 ? 1 : room;
    return static_cast<ssize_t>(
        answer.body.copy(buffer, std::min(piece, end - position), position));
  }
  static void free(void* self) { delete static_cast<Trickle*>(self); }
};

MHD_Response* new_response(World& world, Answer& answer) {
  const std::size_t size = answer.body.size();
  if (answer.drip_ms == 0 && !answer.cut_wire) {
    // The body belongs to the request, which outlives the response.
    return MHD_create_response_from_buffer(size, answer.body.data(), MHD_RESPMEM_PERSISTENT);
  }
  return MHD_create_response_from_callback(size, 4096, Trickle::next, new Trickle{world, answer},
                                           Trickle::free);
}

void add_headers(MHD_Response* response, World& world, const Request& request) {
  const Answer& answer = request.answer;
  const auto add = [response](const char* name, const std::string& value) {
    if (!value.empty()) MHD_add_response_header(response, name, value.c_str());
  };
  add("Content-Type", answer.content_type);
  add("Retry-After", answer.retry_after);
  add("Location", answer.location);
  if (request.row.kind == Kind::kControl) return;
  const std::string id = std::to_string(request.row.number);
  add("Twilio-Request-Id", "RQ" + std::string(32 - id.size(), '0') + id);
  add("Twilio-Concurrent-Requests", std::to_string(world.records.counters().open));
  if (answer.status == 401) add("WWW-Authenticate", "Basic realm=\"Twilio API\"");
}

MHD_Result send(MHD_Connection* connection, World& world, Request& request) {
  MHD_Response* response = new_response(world, request.answer);
  add_headers(response, world, request);
  const auto status = static_cast<unsigned>(request.answer.status);
  const MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

// Comes once when the headers are here, then for each part of the body, then without any.
MHD_Result on_request(void* cls, MHD_Connection* connection, const char* path, const char* method,
                      const char*, const char* data, std::size_t* size, void** state) {
  World& world = *static_cast<World*>(cls);
  if (*state == nullptr) {
    *state = new_request(connection, path, method);
    begin(world, *static_cast<Request*>(*state));
    return MHD_YES;
  }
  Request& request = *static_cast<Request*>(*state);
  if (*size != 0) {
    if (request.body.size() + *size > kLargestBody) return MHD_NO;
    request.body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  const Verdict verdict = serve(world, request);
  if (verdict == Verdict::kAnswer) return send(connection, world, request);
  if (verdict == Verdict::kReset) reset_connection(request.socket);
  return MHD_NO;
}

void on_completed(void* world, MHD_Connection*, void** state, MHD_RequestTerminationCode how) {
  const std::unique_ptr<Request> request(static_cast<Request*>(*state));
  *state = nullptr;
  if (!request) return;  // gone before its headers were complete
  end(*static_cast<World*>(world), *request, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

MHD_Daemon* start(World& world, const TlsIdentity* identity) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(world.options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
  std::vector<MHD_OptionItem> options = {
      {MHD_OPTION_SOCK_ADDR, 0, &address},
      {MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096, nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, 16384, nullptr},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(on_completed), &world},
      {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(on_connection), nullptr},
  };
  if (identity) {
    flags |= MHD_USE_TLS;
    options.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(identity->key.c_str())});
    options.push_back(
        {MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(identity->certificate.c_str())});
  }
  options.push_back({MHD_OPTION_END, 0, nullptr});
  return MHD_start_daemon(flags, 0, nullptr, nullptr, on_request, &world, MHD_OPTION_ARRAY,
                          options.data(), MHD_OPTION_END);
}

}  // namespace

Server::Server(World& world, const TlsIdentity* identity)
    : world_(world), daemon_(start(world, identity)) {
  if (daemon_ == nullptr) {
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(world.options.port));
  }
}

Server::~Server() {
  world_.pauses.stop();
  MHD_stop_daemon(daemon_);
}

std::uint16_t Server::port() const {
  return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

}  // namespace fake_twilio
