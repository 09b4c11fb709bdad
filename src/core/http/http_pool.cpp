#include "core/http/http_pool.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/moments.hpp"

namespace coach_sms {

namespace {

// Twilio's front end allows 128 streams a connection. Above that, nghttp2 would hold back requests
// that we have counted as sent.
constexpr long kStreamsPerConnection = 100;

// The time for which requests to a new host wait for the first one's handshake.
constexpr std::int64_t kHandshakeUs = 500'000;

// Adds, changes or removes a socket in epoll, and always returns 0. If epoll refuses a socket, its
// request times out. Returning -1 would end every request of the pool for good.
int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
  const int epoll = static_cast<HttpPool*>(self)->descriptor();
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.data.fd = socket;
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  const int added = epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
  if (added != 0 && errno == EEXIST) epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event);
  return 0;
}

int curl_events(std::uint32_t ready) noexcept {
  int events = 0;
  if ((ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) events |= CURL_CSELECT_IN;
  if ((ready & EPOLLOUT) != 0) events |= CURL_CSELECT_OUT;
  return events;
}

HttpResult never_started(std::uint64_t tag, std::string why) {
  HttpResult result;
  result.tag = tag;
  result.error = std::move(why);
  return result;
}

}  // namespace

void http_global_init() {
  const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code == CURLE_OK) return;
  throw Error(ErrorKind::kInternal, "libcurl did not start", curl_easy_strerror(code));
}

const char* system_ca_file() noexcept {
  return curl_version_info(CURLVERSION_NOW)->cainfo;
}

HttpPool::HttpPool(HttpOptions options, WallClock now_us)
    : options_(std::make_shared<const HttpOptions>(std::move(options))),
      now_us_(now_us),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      multi_(curl_multi_init()),
      next_give_up_us_(kNever) {
  if (epoll_.get() < 0) {
    throw Error(ErrorKind::kInternal, "no epoll descriptor", std::strerror(errno));
  }
  if (!multi_) throw Error(ErrorKind::kInternal, "libcurl gave no multi handle");
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  apply_limits();
}

HttpPool::~HttpPool() {
  for (const auto& transfer : active_)
    if (!transfer->is_waiting) curl_multi_remove_handle(multi_.get(), transfer->handle());
}

void HttpPool::configure(HttpOptions options) {
  options_ = std::make_shared<const HttpOptions>(std::move(options));
  idle_.clear();
  apply_limits();
}

void HttpPool::apply_limits() noexcept {
  const auto connections = static_cast<long>(options_->max_connections_per_host);
  const long pipelining = options_->http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING;
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, connections);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, pipelining);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
}

void HttpPool::add(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us) {
  if (now_us_() >= send_before_us) return finished_.push_back(never_started(tag, "lease over"));
  std::unique_ptr<HttpTransfer> transfer;
  try {
    transfer = idle_transfer();
    transfer->prepare(tag, std::move(request), send_before_us);
    active_.reserve(active_.size() + 1);
    transfer->is_waiting = waits_for_host(*transfer);
    if (!transfer->is_waiting) start(*transfer);
    next_give_up_us_ = std::min(next_give_up_us_, transfer->give_up_at_us());
    transfer->slot = active_.size();
    active_.push_back(std::move(transfer));
  } catch (const Error& error) {
    if (transfer) learn(*transfer);  // no other request waits for it
    finished_.push_back(never_started(tag, error.message()));
  }
}

bool HttpPool::waits_for_host(const HttpTransfer& transfer) {
  if (!transfer.may_share()) return false;
  Host& host = hosts_[transfer.host()];
  if (host.spoken != Spoken::kUnknown) return false;
  if (host.first == nullptr) {
    host.first = &transfer;
    host.wait_until_us = now_us_() + kHandshakeUs;
    return false;
  }
  next_give_up_us_ = std::min(next_give_up_us_, host.wait_until_us);
  return true;
}

void HttpPool::start(HttpTransfer& transfer) {
  if (transfer.may_share()) transfer.set_sharing(hosts_[transfer.host()].spoken);
  const CURLMcode code = curl_multi_add_handle(multi_.get(), transfer.handle());
  if (code != CURLM_OK) throw Error(ErrorKind::kInternal, curl_multi_strerror(code));
  transfer.is_waiting = false;
}

// Starts the request again on a fresh connection, and returns true, if its kept connection had
// ended before anything left.
bool HttpPool::start_again(HttpTransfer& transfer) {
  if (!transfer.is_stale()) return false;
  try {
    curl_multi_remove_handle(multi_.get(), transfer.handle());
    transfer.use_fresh_connection();
    return curl_multi_add_handle(multi_.get(), transfer.handle()) == CURLM_OK;
  } catch (const Error&) {
    return false;
  }
}

void HttpPool::learn(const HttpTransfer& transfer) {
  if (!transfer.may_share()) return;
  Host& host = hosts_[transfer.host()];
  if (transfer.spoken() != Spoken::kUnknown) host.spoken = transfer.spoken();
  if (host.first == &transfer) host.first = nullptr;
}

void HttpPool::start_waiting() {
  const std::int64_t now = now_us_();
  for (auto& [name, host] : hosts_)
    if (host.first != nullptr &&
        (host.first->spoken() != Spoken::kUnknown || now >= host.wait_until_us))
      learn(*host.first);
  for (std::size_t i = active_.size(); i-- > 0;) {
    HttpTransfer& transfer = *active_[i];
    if (!transfer.is_waiting || hosts_[transfer.host()].first != nullptr) continue;
    try {
      start(transfer);
    } catch (const Error& error) {
      auto failed = remove(transfer);
      finished_.push_back(failed->give_up());
    }
  }
}

std::unique_ptr<HttpTransfer> HttpPool::idle_transfer() {
  if (idle_.empty()) return std::make_unique<HttpTransfer>(options_, now_us_, sockets_);
  auto transfer = std::move(idle_.back());
  idle_.pop_back();
  return transfer;
}

int HttpPool::timeout_ms() const noexcept {
  if (!finished_.empty()) return 0;
  if (active_.empty()) return -1;
  const std::int64_t ours = (next_give_up_us_ - now_us_()) / 1'000 + 1;
  long theirs = -1;
  curl_multi_timeout(multi_.get(), &theirs);
  const std::int64_t sooner = theirs < 0 ? ours : std::min<std::int64_t>(ours, theirs);
  return static_cast<int>(std::clamp<std::int64_t>(sooner, 0, INT_MAX));
}

void HttpPool::drive() {
  handle_sockets();
  collect_finished();
  start_waiting();
  give_up_overdue();
}

// Handles one round only: a socket that is still ready keeps the descriptor readable.
void HttpPool::handle_sockets() {
  std::array<epoll_event, 256> ready;
  const int count = epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    curl_multi_socket_action(multi_.get(), event.data.fd, curl_events(event.events), &running);
  }
  curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
}

void HttpPool::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    const CURLcode code = message->data.result;
    char* self = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
    auto& ended = *static_cast<HttpTransfer*>(static_cast<void*>(self));
    if (start_again(ended)) continue;
    auto transfer = remove(ended);
    finished_.push_back(transfer->finish(code));
    learn(*transfer);
    keep(std::move(transfer));
  }
}

// Ends overdue requests. It goes backwards, because remove() puts the last request, already seen,
// into the place of the removed one.
void HttpPool::give_up_overdue() {
  const std::int64_t now = now_us_();
  if (now < next_give_up_us_) return;
  next_give_up_us_ = kNever;
  for (const auto& [name, host] : hosts_)
    if (host.first != nullptr) next_give_up_us_ = std::min(next_give_up_us_, host.wait_until_us);
  for (std::size_t i = active_.size(); i-- > 0;) {
    const std::int64_t give_up_at = active_[i]->give_up_at_us();
    if (now < give_up_at) {
      next_give_up_us_ = std::min(next_give_up_us_, give_up_at);
      continue;
    }
    auto transfer = remove(*active_[i]);
    finished_.push_back(transfer->give_up());
    learn(*transfer);
    keep(std::move(transfer));
  }
}

std::unique_ptr<HttpTransfer> HttpPool::remove(HttpTransfer& transfer) {
  if (!transfer.is_waiting) curl_multi_remove_handle(multi_.get(), transfer.handle());
  transfer.is_waiting = false;
  const std::size_t slot = transfer.slot;
  std::swap(active_[slot], active_.back());
  active_[slot]->slot = slot;
  auto removed = std::move(active_.back());
  active_.pop_back();
  return removed;
}

void HttpPool::keep(std::unique_ptr<HttpTransfer> transfer) {
  if (transfer->options() == options_) idle_.push_back(std::move(transfer));
}

std::vector<HttpResult> HttpPool::take_finished() {
  return std::exchange(finished_, {});
}

}  // namespace coach_sms
