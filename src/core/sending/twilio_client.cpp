#include "core/sending/twilio_client.hpp"

#include <algorithm>
#include <utility>

namespace coach_sms {

TwilioClient::TwilioClient(HttpOptions options, WallClock now_us)
    : http_(std::move(options), now_us) {}

void TwilioClient::send(TwilioRequest request, HttpRequest http, std::int64_t send_before) {
  const std::uint64_t tag = next_tag_++;
  requests_.emplace(tag, std::move(request));
  try {
    http_.add(tag, std::move(http), send_before);
  } catch (...) {
    requests_.erase(tag);
    throw;
  }
}

void TwilioClient::answer(TwilioRequest request, HttpResult result) {
  answers_.push_back({std::move(request), std::move(result)});
}

std::vector<TwilioAnswer> TwilioClient::drive() {
  http_.drive();
  std::vector<TwilioAnswer> answers = std::exchange(answers_, {});
  for (HttpResult& result : http_.take_finished())
    if (auto request = requests_.extract(result.tag); !request.empty())
      answers.push_back({std::move(request.mapped()), std::move(result)});
  return answers;
}

bool TwilioClient::is_searching(const Uuid& message) const {
  return std::any_of(requests_.begin(), requests_.end(), [&](const auto& entry) {
    const auto* pending = std::get_if<PendingSearch>(&entry.second);
    return pending != nullptr && pending->search.message == message;
  });
}

}  // namespace coach_sms
