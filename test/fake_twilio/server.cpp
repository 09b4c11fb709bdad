#include "server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr std::size_t kLargestBody = 8 << 20;

// An exchange and the world it belongs to, as the content reader needs them.
struct Reader {
  Exchange* exchange;
  World* world;
};

// Dissolving a TCP association makes Linux send RST at once, whatever is still in its buffers.
void reset_connection(int socket) {
  sockaddr nowhere = {};
  nowhere.sa_family = AF_UNSPEC;
  (void)connect(socket, &nowhere, sizeof nowhere);
}

int listen_on_loopback(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port));
  }
  return listener;
}

std::uint16_t port_of(int listener) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

MHD_Result add_argument(void* form, MHD_ValueKind, const char* name, const char* value) {
  static_cast<Form*>(form)->add(name, value ? value : "");
  return MHD_YES;
}

void add_headers(MHD_Response* response, const Exchange& exchange, std::int64_t open) {
  const Answer& answer = exchange.answer;
  const auto add = [response](const char* name, const std::string& value) {
    if (!value.empty()) MHD_add_response_header(response, name, value.c_str());
  };
  MHD_add_response_header(response, "Content-Type", answer.content_type);
  add("Retry-After", answer.retry_after);
  add("Location", answer.location);
  if (exchange.kind == Kind::kControl) return;
  std::string id = std::to_string(exchange.request);
  add("Twilio-Request-Id", "RQ" + std::string(32 - id.size(), '0') + id);
  add("Twilio-Concurrent-Requests", std::to_string(open));
  if (answer.status == 401) add("WWW-Authenticate", "Basic realm=\"Twilio API\"");
}

}  // namespace

Server::Server(World& world, const TlsIdentity* identity) : world_(world), flow_(world) {
  const int listener = listen_on_loopback(world.options.port);
  port_ = port_of(listener);
  for (unsigned i = 0; i < std::max(world.options.threads, 1u); ++i) {
    const int wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loops_.push_back(std::make_unique<Loop>(Loop{this, nullptr, wake_event, {}}));
    start(*loops_.back(), i == 0 ? listener : dup(listener), identity);
  }
}

Server::~Server() {
  stopping_ = true;
  for (const auto& loop : loops_) {
    eventfd_write(loop->wake_event, 1);
    loop->thread.join();
  }
  world_.parking.stop();  // libmicrohttpd does not stop while a connection is suspended
  for (const auto& loop : loops_) {
    MHD_stop_daemon(loop->daemon);
    close(loop->wake_event);
  }
}

// The daemon owns the listening socket from now on.
void Server::start(Loop& loop, int listener, const TlsIdentity* identity) {
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
  std::vector<MHD_OptionItem> options = {
      {MHD_OPTION_LISTEN_SOCKET, listener, nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, 16384, nullptr},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(&Server::on_completed), this},
      {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(&Server::on_connection), &loop},
  };
  if (identity) {
    flags |= MHD_USE_TLS;
    options.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, const_cast<char*>(identity->key.c_str())});
    options.push_back(
        {MHD_OPTION_HTTPS_MEM_CERT, 0, const_cast<char*>(identity->certificate.c_str())});
  }
  options.push_back({MHD_OPTION_END, 0, nullptr});
  loop.daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &Server::on_request, this,
                                 MHD_OPTION_ARRAY, options.data(), MHD_OPTION_END);
  if (loop.daemon == nullptr) throw std::runtime_error("libmicrohttpd does not start");
  loop.thread = std::thread([this, &loop] { run(loop); });
}

void Server::run(const Loop& loop) const {
  const int events = MHD_get_daemon_info(loop.daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  pollfd sources[] = {{events, POLLIN, 0}, {loop.wake_event, POLLIN, 0}};
  while (!stopping_) {
    MHD_UNSIGNED_LONG_LONG due = 0;
    const bool limited = MHD_get_timeout(loop.daemon, &due) == MHD_YES;
    const int wait_ms =
        limited ? static_cast<int>(std::min<MHD_UNSIGNED_LONG_LONG>(due, 1000)) : -1;
    if (wait_ms != 0) poll(sources, 2, wait_ms);
    eventfd_t wakes;
    if (sources[1].revents != 0) eventfd_read(loop.wake_event, &wakes);
    MHD_run(loop.daemon);
  }
}

void Server::on_connection(void* cls, MHD_Connection* connection, void** state,
                           MHD_ConnectionNotificationCode what) {
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    delete static_cast<Exchange*>(*state);
    return;
  }
  const Loop& loop = *static_cast<Loop*>(cls);
  auto exchange = std::make_unique<Exchange>();
  exchange->connection = connection;
  exchange->connection_id = ++loop.server->connections_;
  exchange->wake_event = loop.wake_event;
  exchange->socket =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  *state = exchange.release();
}

MHD_Result Server::on_request(void* self, MHD_Connection* connection, const char* url,
                              const char* method, const char*, const char* data, std::size_t* size,
                              void** state) {
  auto& server = *static_cast<Server*>(self);
  if (*state == nullptr) {
    *state =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    auto& exchange = *static_cast<Exchange*>(*state);
    exchange.url = url;
    exchange.method = method;
    server.flow_.open(exchange);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, &exchange.query);
    return MHD_YES;
  }
  auto& exchange = *static_cast<Exchange*>(*state);
  if (*size != 0) {
    if (exchange.body.size() + *size > kLargestBody) return MHD_NO;
    exchange.body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  return server.take_step(exchange);
}

MHD_Result Server::take_step(Exchange& exchange) {
  switch (flow_.step(exchange)) {
    case Verdict::kAnswer:
      return send(exchange);
    case Verdict::kParked:
      return MHD_YES;
    case Verdict::kReset:
      reset_connection(exchange.socket);
      return MHD_NO;
    case Verdict::kClose:
      return MHD_NO;
  }
  return MHD_NO;
}

void Server::on_completed(void* self, MHD_Connection*, void** state,
                          MHD_RequestTerminationCode how) {
  if (*state == nullptr) return;  // gone before its headers were complete
  auto& exchange = *static_cast<Exchange*>(*state);
  static_cast<Server*>(self)->flow_.close(exchange, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

// Feeds an answer that drips, or that ends before its declared length.
ssize_t Server::on_content(void* cls, std::uint64_t position, char* buffer, std::size_t room) {
  const Reader& reader = *static_cast<Reader*>(cls);
  Exchange& exchange = *reader.exchange;
  const Answer& answer = exchange.answer;
  const std::size_t end = answer.cut_wire ? answer.body.size() / 2 : answer.body.size();
  const std::size_t at = static_cast<std::size_t>(position);
  if (at >= end || exchange.wake == Wake::kStopping) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (answer.drip_ms != 0) {
    exchange.drip_due = !exchange.drip_due;
    if (exchange.drip_due) {
      reader.world->parking.park_until(
          exchange, std::chrono::steady_clock::now() + std::chrono::milliseconds(answer.drip_ms));
      return 0;
    }
    room = 1;
  }
  const std::size_t sent = std::min(room, end - at);
  answer.body.copy(buffer, sent, at);
  return static_cast<ssize_t>(sent);
}

MHD_Response* Server::make_response(Exchange& exchange) {
  std::string& body = exchange.answer.body;
  if (exchange.answer.drip_ms == 0 && !exchange.answer.cut_wire) {
    // The body belongs to the exchange, which outlives the response.
    return MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_PERSISTENT);
  }
  return MHD_create_response_from_callback(
      body.size(), 4096, &Server::on_content, new Reader{&exchange, &world_},
      [](void* reader) { delete static_cast<Reader*>(reader); });
}

MHD_Result Server::send(Exchange& exchange) {
  MHD_Response* response = make_response(exchange);
  add_headers(response, exchange, world_.counters.value(Counter::kOpen));
  const auto status = static_cast<unsigned>(exchange.answer.status);
  const MHD_Result result = MHD_queue_response(exchange.connection, status, response);
  MHD_destroy_response(response);
  return result;
}

}  // namespace fake_twilio
