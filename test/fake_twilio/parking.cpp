#include "parking.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include "exchange.hpp"

namespace fake_twilio {

namespace {

// How soon a client that hung up is noticed.
constexpr auto kLook = std::chrono::milliseconds(20);

}  // namespace

Parking::Parking() : thread_([this] { run(); }) {}

Parking::~Parking() {
  stop();
  thread_.join();
}

std::uint64_t Parking::park_until(Exchange& exchange, SteadyTime due) {
  return park({&exchange, false, false}, due);
}

std::uint64_t Parking::park_watched(Exchange& exchange, std::optional<SteadyTime> due) {
  return park({&exchange, true, false}, due);
}

std::uint64_t Parking::park_stalled(Exchange& exchange) {
  return park({&exchange, true, true}, {});
}

std::uint64_t Parking::park(Parked parked, std::optional<SteadyTime> due) {
  MHD_suspend_connection(parked.exchange->connection);
  const std::lock_guard lock(mutex_);
  const std::uint64_t ticket = ++last_ticket_;
  parked_.emplace(ticket, parked);
  if (parked.watched) ++watched_;
  if (stopping_) {
    wake(ticket, Wake::kStopping);
    return ticket;
  }
  const bool sooner = due && (dues_.empty() || *due < dues_.top().first);
  if (due) dues_.emplace(*due, ticket);
  if (sooner || (parked.watched && watched_ == 1)) changed_.notify_one();
  return ticket;
}

void Parking::wake(std::uint64_t ticket, Wake reason) {
  const auto found = parked_.find(ticket);
  if (found == parked_.end()) return;
  const Parked parked = found->second;
  parked_.erase(found);
  if (parked.watched) --watched_;
  parked.exchange->wake = reason;
  const int wake_event = parked.exchange->wake_event;
  MHD_resume_connection(parked.exchange->connection);
  // libmicrohttpd's own signal gets lost when it comes while that thread is at work.
  eventfd_write(wake_event, 1);
}

void Parking::release(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  wake(ticket, Wake::kReleased);
}

void Parking::release_stalled() {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, parked] : parked_) {
    if (parked.stalled) tickets.push_back(ticket);
  }
  for (const std::uint64_t ticket : tickets)
    wake(ticket, Wake::kReleased);
}

bool Parking::holds(std::uint64_t ticket) const {
  const std::lock_guard lock(mutex_);
  return parked_.count(ticket) != 0;
}

void Parking::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  while (!parked_.empty())
    wake(parked_.begin()->first, Wake::kStopping);
  changed_.notify_one();
}

void Parking::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime look = std::chrono::steady_clock::now() + kLook;
    if (dues_.empty() && watched_ == 0) {
      changed_.wait(lock);
    } else if (dues_.empty() || (watched_ != 0 && look < dues_.top().first)) {
      changed_.wait_until(lock, look);
    } else {
      changed_.wait_until(lock, SteadyTime(dues_.top().first));
    }
    wake_due();
    if (watched_ != 0) wake_abandoned();
  }
}

void Parking::wake_due() {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!dues_.empty() && dues_.top().first <= now) {
    const std::uint64_t ticket = dues_.top().second;
    dues_.pop();
    wake(ticket, Wake::kDue);
  }
}

void Parking::wake_abandoned() {
  std::vector<pollfd> sockets;
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, parked] : parked_) {
    if (!parked.watched) continue;
    sockets.push_back({parked.exchange->socket, POLLRDHUP, 0});
    tickets.push_back(ticket);
  }
  if (poll(sockets.data(), sockets.size(), 0) <= 0) return;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (sockets[i].revents != 0) wake(tickets[i], Wake::kClientLeft);
  }
}

}  // namespace fake_twilio
