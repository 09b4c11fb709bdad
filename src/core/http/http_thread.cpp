#include "core/http/http_thread.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/base/error.hpp"

namespace coach_sms {

namespace {

// The caller is told of results when there are so many, when no request is under way, or after so
// long. Each time it is told costs it a turn. With few requests under way it must begin with some
// results while other requests go on, or the two threads take turns.
constexpr std::size_t kResultsAtOnce = 16;
constexpr std::chrono::milliseconds kLongestWait{1};

// Clocks may be set: no wait for the wall clock is longer.
constexpr int kLongestSleep = 1'000;  // milliseconds

// Blocks all signals in this thread as long as it lives. Threads that start meanwhile inherit the
// mask, and so do libcurl's resolver threads. A signal meant for the process must never run its
// handler there.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    blocked_ = pthread_sigmask(SIG_SETMASK, &all, &before_) == 0;
  }
  ~SignalsBlocked() {
    if (blocked_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
  bool blocked_;
};

void signal_event(const Descriptor& event) noexcept {
  eventfd_write(event.get(), 1);
}

void forget_event(const Descriptor& event) noexcept {
  eventfd_t count;
  eventfd_read(event.get(), &count);
}

}  // namespace

HttpThread::HttpThread(HttpOptions options, WallClock now_us)
    : pool_(std::move(options), now_us),
      to_thread_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      to_caller_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (to_thread_.get() < 0 || to_caller_.get() < 0)
    throw Error(ErrorKind::kInternal, "no event descriptor", std::strerror(errno));
  start();
}

void HttpThread::start() try {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
} catch (const std::system_error& error) {
  throw Error(ErrorKind::kInternal, "no thread for HTTP", error.what());
}

void HttpThread::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  signal_event(to_thread_);
  thread_.join();
}

void HttpThread::configure(HttpOptions options) {
  added_.emplace_back(std::move(options));
}

void HttpThread::add(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us) {
  added_.emplace_back(Request{tag, std::move(request), send_before_us});
}

void HttpThread::drive() {
  const std::lock_guard lock(mutex_);
  if (added_.empty()) return;
  inbox_.insert(inbox_.end(), std::make_move_iterator(added_.begin()),
                std::make_move_iterator(added_.end()));
  added_.clear();
  signal_event(to_thread_);
}

std::vector<HttpResult> HttpThread::take_finished() {
  // Before the look at the outbox: the event of a result that comes after the look must stay.
  forget_event(to_caller_);
  const std::lock_guard lock(mutex_);
  caller_knows_ = false;
  if (failure_ && outbox_.empty()) std::rethrow_exception(failure_);
  if (failure_) signal_event(to_caller_);  // for the next call
  return std::exchange(outbox_, {});
}

// --- the thread's -------------------------------------------------------------------------------

void HttpThread::run() noexcept try {
  pthread_setname_np(pthread_self(), "coach_sms http");
  work();
} catch (...) {
  fail();
}

void HttpThread::work() {
  while (take_orders()) {
    pool_.drive();
    hand_back();
    wait();
  }
}

bool HttpThread::take_orders() {
  forget_event(to_thread_);  // before the look at the inbox, as in take_finished()
  std::vector<Order> orders;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return false;
    orders.swap(inbox_);
  }
  for (Order& order : orders)
    carry_out(std::move(order));
  return true;
}

void HttpThread::carry_out(Order order) {
  if (auto* options = std::get_if<HttpOptions>(&order)) return pool_.configure(std::move(*options));
  auto& added = std::get<Request>(order);
  pool_.add(added.tag, std::move(added.request), added.send_before_us);
}

void HttpThread::hand_back() {
  std::vector<HttpResult> results = pool_.take_finished();
  if (results.empty() && !results_wait_) return;
  const Clock::time_point now = Clock::now();
  if (!results_wait_) wait_ends_ = now + kLongestWait;
  const std::lock_guard lock(mutex_);
  outbox_.insert(outbox_.end(), std::make_move_iterator(results.begin()),
                 std::make_move_iterator(results.end()));
  const bool tell = outbox_.size() >= kResultsAtOnce || pool_.in_flight() == 0 || now >= wait_ends_;
  if (tell && !outbox_.empty() && !caller_knows_) {
    caller_knows_ = true;
    signal_event(to_caller_);
  }
  results_wait_ = !outbox_.empty() && !caller_knows_;
}

void HttpThread::wait() {
  int timeout = pool_.timeout_ms();
  if (timeout < 0 || timeout > kLongestSleep) timeout = pool_.in_flight() > 0 ? kLongestSleep : -1;
  if (results_wait_) timeout = timeout < 0 ? 1 : std::min(timeout, 1);
  std::array<pollfd, 2> events{{{to_thread_.get(), POLLIN, 0}, {pool_.descriptor(), POLLIN, 0}}};
  poll(events.data(), events.size(), timeout);
}

// take_finished() throws the exception that is being handled, once it has given the results.
void HttpThread::fail() noexcept {
  const std::lock_guard lock(mutex_);
  failure_ = std::current_exception();
  signal_event(to_caller_);
}

}  // namespace coach_sms
