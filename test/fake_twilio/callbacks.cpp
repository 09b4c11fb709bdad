#include "callbacks.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace fake_twilio {

namespace {

std::size_t ignore_body(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

Callbacks::Callbacks(const Options& options, Records& records)
    : options_(options), records_(records), curl_(curl_easy_init()), thread_([this] { run(); }) {}

Callbacks::~Callbacks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
  curl_easy_cleanup(curl_);
}

void Callbacks::begin_journey(std::uint64_t message, const Scenario& scenario) {
  if (options_.callbacks == CallbackMode::kOff) return;
  std::vector<Status> statuses = scenario.callbacks;
  if (statuses.empty()) {
    statuses = {Status::kSent,
                scenario.undelivered_code ? Status::kUndelivered : Status::kDelivered};
  }
  for (const Status status : statuses) {
    const bool bad = status == Status::kUndelivered || status == Status::kFailed;
    const Event event = {
        message, status, bad ? scenario.undelivered_code : 0, scenario.no_callback, {}};
    plan(event);
    if (scenario.callback_twice) plan(event);
  }
}

bool Callbacks::is_travelling(std::uint64_t message) {
  const std::lock_guard lock(mutex_);
  return under_way_ == message ||
         std::any_of(events_.begin(), events_.end(),
                     [message](const Event& event) { return event.message == message; });
}

void Callbacks::report(std::uint64_t message, Status status, long error_code) {
  plan({message, status, error_code, false, {}});
}

void Callbacks::deliver(InboundText text) {
  plan({0, Status::kSent, 0, false, std::move(text)});
}

void Callbacks::plan(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_one();
}

void Callbacks::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !events_.empty(); });
    if (stopping_) return;
    const Event event = std::move(events_.front());
    events_.pop_front();
    under_way_ = event.message;
    lock.unlock();
    happen(event);
    lock.lock();
    under_way_ = 0;
  }
}

void Callbacks::happen(const Event& event) {
  if (!event.text.sid.empty()) {
    emit(inbound_call(options_.token_of(event.text.account), event.text), event.text.sid,
         "received");
    return;
  }
  records_.change(event.message, [&event](Message& message) {
    // Twilio's own record moves forward even where its callbacks come in disorder.
    if (is_final(message.status) || event.status <= message.status) return;
    message.status = event.status;
    message.updated = now();
    if (message.sent == 0 && event.status >= Status::kSent) message.sent = message.updated;
    if (event.error_code) message.error_code = static_cast<std::int32_t>(event.error_code);
  });
  const auto message = records_.find(event.message);
  if (!message || event.silent || message->order.status_callback.empty()) return;
  emit(status_call(options_.token_of(message->account), *message, event.status, event.error_code),
       message->sid, name_of(event.status));
}

void Callbacks::emit(const WebhookCall& call, const std::string& sid, std::string_view status) {
  const std::string outcome = options_.callbacks != CallbackMode::kOn ? "held"
                              : is_loopback_url(call.url)             ? post(call)
                                                                      : "refused";
  records_.append({0, sid, std::string(status), outcome, call.url, call.body, call.signature});
}

// Twilio's own habits: 5 s to connect, 15 s in all, one repeat and only if the connection could
// not be made.
std::string Callbacks::post(const WebhookCall& call) {
  const std::string signature = "X-Twilio-Signature: " + call.signature;
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, signature.c_str()), curl_slist_free_all);
  curl_easy_reset(curl_);
  curl_easy_setopt(curl_, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, call.body.c_str());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(call.body.size()));
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, "TwilioProxy/1.1");
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, ignore_body);
  curl_easy_setopt(curl_, CURLOPT_PROXY, "");
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, 15000L);
  CURLcode result = curl_easy_perform(curl_);
  if (result == CURLE_COULDNT_CONNECT) result = curl_easy_perform(curl_);
  if (result != CURLE_OK) return curl_easy_strerror(result);
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  return std::to_string(status);
}

void Callbacks::forget_all() {
  const std::lock_guard lock(mutex_);
  events_.clear();
}

}  // namespace fake_twilio
