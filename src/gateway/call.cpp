#include "gateway/call.hpp"

#include <utility>

namespace coach_sms {

Call::Call(std::string called_url, std::string form, std::string header, Clock::time_point until,
           Resume resume, void* connection)
    : url(std::move(called_url)),
      body(std::move(form)),
      signature(std::move(header)),
      answer_by(until),
      resume_(resume),
      connection_(connection) {}

bool Call::answer(Answer given) {
  {
    const std::lock_guard lock(mutex_);
    if (answer_) return false;
    answer_ = std::move(given);
  }
  resume_(connection_);
  return true;
}

bool Call::is_answered() const {
  const std::lock_guard lock(mutex_);
  return answer_.has_value();
}

}  // namespace coach_sms
