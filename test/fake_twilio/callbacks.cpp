#include "callbacks.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "text.hpp"

namespace fake_twilio {

namespace {

// The number that a Messaging Service picks here.
constexpr std::string_view kPoolNumber = "+15005550006";

// Twilio's fragment (#ct=2000&rc=3) is for itself: neither sent nor signed.
std::string without_fragment(std::string_view url) {
  return std::string(url.substr(0, url.find('#')));
}

std::size_t ignore_body(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

Callbacks::Callbacks(CallbackMode mode, const Accounts& accounts, const Clock& clock,
                     const SidMint& mint, Ledger& ledger, Counters& counters, Parking& parking)
    : mode_(mode),
      accounts_(accounts),
      clock_(clock),
      mint_(mint),
      ledger_(ledger),
      counters_(counters),
      parking_(parking),
      curl_(curl_easy_init()),
      thread_([this] { run(); }) {}

Callbacks::~Callbacks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
  curl_easy_cleanup(curl_);
}

bool Callbacks::begin_journey(std::uint64_t message, const Scenario& scenario,
                              std::uint64_t ticket) {
  if (mode_ == CallbackMode::kOff) return false;
  std::vector<Status> statuses = scenario.callbacks;
  if (statuses.empty()) {
    statuses = {Status::kSent,
                scenario.undelivered_code ? Status::kUndelivered : Status::kDelivered};
  }
  SteadyTime due = std::chrono::steady_clock::now();
  const std::size_t repeats = scenario.callback_twice ? 2 : 1;
  for (std::size_t i = 0; i < statuses.size() * repeats; ++i) {
    const Status status = statuses[i / repeats];
    const bool bad = status == Status::kUndelivered || status == Status::kFailed;
    if (i % repeats == 0) due += std::chrono::milliseconds(scenario.callback_delay_ms);
    plan({due, 0, message, status, bad ? scenario.undelivered_code : 0, scenario.no_callback,
          i + 1 == statuses.size() * repeats ? ticket : 0});
  }
  return true;
}

void Callbacks::tell(std::uint64_t message, Status status, std::int32_t error_code) {
  plan({std::chrono::steady_clock::now(), 0, message, status, error_code, false, 0});
}

void Callbacks::plan(StatusEvent event) {
  const std::lock_guard lock(mutex_);
  event.order = ++planned_;
  events_.push(event);
  changed_.notify_one();
}

void Callbacks::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (events_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const StatusEvent event = events_.top();
    if (event.due > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, event.due);
      continue;
    }
    events_.pop();
    lock.unlock();
    happen(event);
    lock.lock();
  }
}

void Callbacks::happen(const StatusEvent& event) {
  const Micros now = clock_.twilio_now();
  ledger_.change(event.message, [&](Message& message) {
    // What Twilio itself knows moves forward even where its callbacks come in disorder.
    if (is_final(message.status) || event.status <= message.status) return;
    message.status = event.status;
    message.updated = now;
    if (message.sent == 0 && event.status >= Status::kSent) message.sent = now;
    if (event.error_code) message.error_code = event.error_code;
  });
  const auto message = ledger_.find(event.message);
  if (message && !event.silent && !message->order.status_callback.empty()) emit(event, *message);
  if (event.ticket) parking_.release(event.ticket);
}

void Callbacks::emit(const StatusEvent& event, const Message& message) {
  const bool loopback = is_loopback_url(message.order.status_callback);
  const bool posted = mode_ == CallbackMode::kOn && loopback;
  Row row{message, event.status, event.error_code,
          posted                       ? "posting"
          : mode_ == CallbackMode::kOn ? "refused"
                                       : "held"};
  if (posted) row.outcome = post(sign(row));
  {
    const std::lock_guard lock(mutex_);
    rows_.push_back(std::move(row));
  }
  counters_.add(Counter::kCallbacks);
}

SignedCallback Callbacks::sign(const Row& row) const {
  const Order& order = row.message.order;
  const std::string sid = mint_.sid_of(row.message.number);
  const std::string code = row.error_code ? std::to_string(row.error_code) : std::string();
  // In the order of their names, as the signature wants them.
  const std::pair<std::string_view, std::string_view> fields[] = {
      {"AccountSid", row.message.account},
      {"ApiVersion", "2010-04-01"},
      {"ErrorCode", code},
      {"From", order.from.empty() ? kPoolNumber : order.from},
      {"MessageSid", sid},
      {"MessageStatus", name_of(row.status)},
      {"MessagingServiceSid", order.service},
      {"SmsSid", sid},
      {"SmsStatus", name_of(row.status)},
      {"To", order.to}};
  SignedCallback callback;
  callback.url = without_fragment(order.status_callback);
  std::string text = callback.url;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    text.append(name).append(value);
    if (!callback.body.empty()) callback.body += '&';
    callback.body.append(name).append("=");
    append_percent(callback.body, value);
  }
  callback.signature = base64(hmac_sha1(accounts_.token_of(row.message.account), text));
  return callback;
}

// Twilio's own habits: 5 s to connect, 15 s in all, one repeat and only if the connection could
// not be made.
std::string Callbacks::post(const SignedCallback& callback) {
  const std::string signature = "X-Twilio-Signature: " + callback.signature;
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, signature.c_str()), curl_slist_free_all);
  curl_easy_reset(curl_);
  curl_easy_setopt(curl_, CURLOPT_URL, callback.url.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, callback.body.c_str());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(callback.body.size()));
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

std::string Callbacks::json(std::uint64_t since) const {
  const std::lock_guard lock(mutex_);
  std::string out = "[";
  for (std::size_t i = since; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const SignedCallback callback = sign(row);
    out += i == since ? "{\"seq\":" : ",\n{\"seq\":";
    append_number(out, static_cast<std::int64_t>(i + 1));
    const auto text = [&out](const char* name, std::string_view value) {
      out += name;
      append_json(out, value);
    };
    text(",\"message_sid\":", mint_.sid_of(row.message.number));
    text(",\"status\":", name_of(row.status));
    text(",\"outcome\":", row.outcome);
    text(",\"url\":", callback.url);
    text(",\"body\":", callback.body);
    text(",\"signature\":", callback.signature);
    out += '}';
  }
  return out + "]\n";
}

void Callbacks::forget_all() {
  const std::lock_guard lock(mutex_);
  rows_.clear();
  while (!events_.empty()) {
    if (events_.top().ticket) parking_.release(events_.top().ticket);
    events_.pop();
  }
}

}  // namespace fake_twilio
