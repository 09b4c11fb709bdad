#include "gateway/call_queue.hpp"

#include <utility>

namespace coach_sms {

namespace {

Answer too_late() {
  return {503, "text/plain", "the database is away: try again\n"};
}

}  // namespace

bool CallQueue::add(const std::shared_ptr<Call>& call) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || held_ >= most_calls_ || bytes_ + call->size() > most_bytes_) return false;
    by_age_.push_back(call);  // where the next line throws, the caller's call is soon gone
    waiting_.push_back(call);
    ++held_;
    bytes_ += call->size();
  }
  changed_.notify_one();
  return true;
}

Calls CallQueue::take(std::size_t limit) {
  std::unique_lock lock(mutex_);
  Calls taken;
  taken.reserve(limit);  // no call is lost for want of memory
  while (taken.empty()) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) break;
    for (; !waiting_.empty() && taken.size() < limit; waiting_.pop_front())
      if (!waiting_.front()->is_answered()) taken.push_back(std::move(waiting_.front()));
  }
  return taken;
}

void CallQueue::give_back(const Calls& calls) {
  {
    const std::lock_guard lock(mutex_);
    for (auto call = calls.rbegin(); call != calls.rend(); ++call)
      if (!(*call)->is_answered()) waiting_.push_front(*call);
  }
  changed_.notify_one();
}

void CallQueue::answer(Call& call, Answer given) {
  const std::size_t size = call.size();
  if (!call.answer(std::move(given))) return;
  const std::lock_guard lock(mutex_);
  --held_;
  bytes_ -= size;
}

int CallQueue::expire(Clock::time_point now) {
  Calls late;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& known : by_age_) {
      std::shared_ptr<Call> call = known.lock();
      if (call == nullptr || call->is_answered()) continue;
      if (call->answer_by > now) break;
      late.push_back(std::move(call));
    }
  }
  for (const auto& call : late)
    answer(*call, too_late());
  forget_answered();
  return static_cast<int>(late.size());
}

// While the database is away no worker takes calls.
void CallQueue::forget_answered() {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [](const auto& call) { return call->is_answered(); });
  std::erase_if(by_age_, [](const auto& known) {
    const std::shared_ptr<Call> call = known.lock();
    return call == nullptr || call->is_answered();
  });
}

void CallQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

std::size_t CallQueue::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

}  // namespace coach_sms
