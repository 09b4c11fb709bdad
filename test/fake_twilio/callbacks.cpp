#include "callbacks.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "text.hpp"

namespace fake_twilio {

namespace {

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
          i + 1 == statuses.size() * repeats ? ticket : 0, nullptr});
  }
  return true;
}

void Callbacks::tell(std::uint64_t message, Status status, std::int32_t error_code) {
  plan({std::chrono::steady_clock::now(), 0, message, status, error_code, false, 0, nullptr});
}

void Callbacks::tell(std::shared_ptr<const InboundText> text) {
  plan({std::chrono::steady_clock::now(), 0, 0, Status::kSent, 0, false, 0, std::move(text)});
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
  if (event.inbound) {
    emit({{}, event.status, 0, event.inbound, {}}, event.inbound->url);
    return;
  }
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
  if (message && !event.silent && !message->order.status_callback.empty()) {
    emit({*message, event.status, event.error_code, nullptr, {}}, message->order.status_callback);
  }
  if (event.ticket) parking_.release(event.ticket);
}

void Callbacks::emit(Row row, std::string_view url) {
  const bool posted = mode_ == CallbackMode::kOn && is_loopback_url(url);
  row.outcome = mode_ != CallbackMode::kOn ? "held" : posted ? post(sign(row)) : "refused";
  {
    const std::lock_guard lock(mutex_);
    rows_.push_back(std::move(row));
  }
  counters_.add(Counter::kCallbacks);
}

SignedCall Callbacks::sign(const Row& row) const {
  if (row.inbound) return sign_inbound(*row.inbound, accounts_.token_of(row.inbound->account));
  const Order& order = row.message.order;
  const std::string sid = mint_.sid_of(row.message.number);
  const std::string code = row.error_code ? std::to_string(row.error_code) : std::string();
  std::vector<std::pair<std::string_view, std::string_view>> fields = {
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
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return sign_call(accounts_.token_of(row.message.account), order.status_callback, fields);
}

// Twilio's own habits: 5 s to connect, 15 s in all, one repeat and only if the connection could
// not be made.
std::string Callbacks::post(const SignedCall& call) {
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

std::string Callbacks::json(std::uint64_t since) const {
  const std::lock_guard lock(mutex_);
  std::string out = "[";
  for (std::size_t i = since; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    const SignedCall call = sign(row);
    out += i == since ? "{\"seq\":" : ",\n{\"seq\":";
    append_number(out, static_cast<std::int64_t>(i + 1));
    const auto text = [&out](const char* name, std::string_view value) {
      out += name;
      append_json(out, value);
    };
    text(",\"message_sid\":", row.inbound ? row.inbound->sid : mint_.sid_of(row.message.number));
    text(",\"status\":", row.inbound ? "received" : name_of(row.status));
    text(",\"outcome\":", row.outcome);
    text(",\"url\":", call.url);
    text(",\"body\":", call.body);
    text(",\"signature\":", call.signature);
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
