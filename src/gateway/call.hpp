#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coach_sms {

using Clock = std::chrono::steady_clock;

// The answer to an HTTP request.
struct Answer {
  int status = 0;
  std::string content_type = {};  // empty: there is no body
  std::string body = {};
  std::vector<std::pair<const char*, std::string>> headers = {};
};

// A call of Twilio's that waits for the database. Its connection is suspended until it is answered.
class Call {
 public:
  // `resume` is called once, with the connection, by the thread that answers first.
  using Resume = void (*)(void* connection);

  Call(std::string url, std::string body, std::string signature, Clock::time_point answer_by,
       Resume resume, void* connection);

  // Answers the call, unless it is answered already. Returns whether this answer counts.
  bool answer(Answer given);
  // Returns the answer, once the connection is resumed.
  const std::optional<Answer>& answer() const noexcept { return answer_; }
  bool is_answered() const;

  std::size_t size() const noexcept { return url.size() + body.size() + signature.size(); }

  const std::string url;
  const std::string body;
  const std::string signature;
  const Clock::time_point answer_by;

 private:
  mutable std::mutex mutex_;
  std::optional<Answer> answer_;
  Resume resume_;
  void* connection_;
};

}  // namespace coach_sms
