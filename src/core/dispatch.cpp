#include "core/dispatch.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/reconcile.hpp"
#include "core/sandbox_twilio.hpp"
#include "core/twilio_response.hpp"
#include "core/webhook.hpp"

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMoment = kSecond / 1000;
// Enough for a thousand texts to one number since the claim; more is nobody's SMS traffic.
constexpr int kPageSize = 20;
constexpr int kMostPages = 50;

std::string response_json(const HttpResult& result, const Settlement& settlement) {
  if (result.progress != HttpProgress::kAnswered) return {};
  using namespace coach_sms_rapidjson;
  StringBuffer buffer;
  Writer<StringBuffer> writer(buffer);
  writer.StartObject();
  const auto put = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    writer.Key(name);
    writer.String(value.data(), static_cast<SizeType>(value.size()));
  };
  put("sid", settlement.provider_message_id);
  put("status", settlement.provider_status);
  put("code", settlement.error_code);
  put("message", settlement.error_message);
  put("request_id", result.request_id);
  writer.EndObject();
  return buffer.GetString();
}

Settlement not_sent(const std::string& why) {
  Settlement settlement;
  settlement.outcome = Outcome::kRetry;
  settlement.error_code = "connect_failed";
  settlement.error_message = why;
  return settlement;
}

}  // namespace

Dispatch::Dispatch(DispatchOptions options, WallClock now_us)
    : options_(std::move(options)),
      now_us_(now_us),
      accounts_(options_.max_in_flight_per_account),
      pool_(options_.http, now_us) {}

void Dispatch::configure(DispatchOptions options) {
  options_ = std::move(options);
  accounts_.configure(options_.max_in_flight_per_account);
  pool_.configure(options_.http);
}

int Dispatch::room() const noexcept {
  return std::max(0, options_.max_in_flight - static_cast<int>(in_hand_.size()));
}

void Dispatch::drop_held(std::vector<ClaimOrder>* orders, std::int64_t now) {
  std::map<std::string, int> left;
  std::erase_if(*orders, [&](ClaimOrder& order) {
    const auto known = account_of_org_.find(order.lane.org);
    if (known == account_of_org_.end()) return false;
    const auto [room, first] = left.try_emplace(known->second, 0);
    if (first) room->second = accounts_.capacity(known->second, now);
    order.limit = std::min(order.limit, room->second);
    room->second -= order.limit;
    if (order.limit > 0) return false;
    // Held, or all its connections busy: then one of them is free in a moment.
    lanes_.hold(order.lane.org, std::max(accounts_.held_until(known->second), now + kMoment));
    return true;
  });
}

Account Dispatch::account_of(const Route& route) const {
  return {options_.api_url, route.account_sid, route.account_sid, route.token};
}

OutgoingMessage Dispatch::outgoing(const Task& task, const Route& route,
                                   const std::string& callback) const {
  OutgoingMessage message;
  message.to = task.to;
  message.body = task.body;
  message.messaging_service_sid = route.messaging_service_sid;
  message.from = task.from.empty() ? route.from : task.from;
  message.status_callback = callback;
  if (task.expires_at != kNever)
    message.validity_period_s =
        static_cast<int>(std::clamp((task.expires_at - now_us_()) / kSecond, std::int64_t{1},
                                    std::int64_t{36'000}));
  return message;
}

void Dispatch::send(Task task, const Route& route) {
  in_hand_.insert(task.message);
  if (task.sandbox) return answer_in_sandbox(std::move(task));
  Sending sending;
  sending.account = route.account_sid;
  std::string callback;
  if (!options_.public_url.empty())
    callback = status_callback_url(options_.public_url,
                                   {to_text(task.org), to_text(task.message), task.attempt});
  HttpRequest request;
  try {
    const OutgoingMessage message = outgoing(task, route, callback);
    request = send_request(account_of(route), message);
    sending.request = request_payload_json(message);
  } catch (const Error& error) {  // a SID that is none: for a person to mend, not to be retried
    Settlement settlement;
    settlement.outcome = Outcome::kRejected;
    settlement.error_code = "bad_configuration";
    settlement.error_message = error.message();
    finished_.push_back({std::move(task), std::move(settlement), {}, {}, 0, 0, true});
    return;
  }
  account_of_org_[task.org] = sending.account;
  accounts_.started(sending.account);
  const std::int64_t send_before = task.lease_until - options_.send_margin;
  sending.task = std::move(task);
  const std::uint64_t tag = next_tag_++;
  sending_.emplace(tag, std::move(sending));
  pool_.add(tag, std::move(request), send_before);
}

void Dispatch::answer_in_sandbox(Task task) {
  // The SID is the attempt's own: the message's 128 bits, moved on by the attempt.
  std::string seed = to_text(task.message);
  std::erase(seed, '-');
  seed[12] = "0123456789abcdef"[task.attempt & 15];
  Route route;
  route.from = task.from.empty() ? "+15005550006" : task.from;
  const OutgoingMessage message = outgoing(task, route, {});
  Finished finished;
  const HttpResult result = sandbox_answer(message, seed);
  finished.request = request_payload_json(message);
  finished.settlement = settle(result, now_us_() / kSecond);
  finished.response = response_json(result, finished.settlement);
  finished.http_status = result.status;
  finished.started = true;
  finished.task = std::move(task);
  finished_.push_back(std::move(finished));
}

void Dispatch::give_back(Task task) {
  in_hand_.insert(task.message);
  Finished finished;
  finished.settlement = not_sent("given back");
  finished.task = std::move(task);
  finished_.push_back(std::move(finished));
}

void Dispatch::look(Look look, const Route& route) {
  Looking looking{std::move(look), account_of(route), {}, 0};
  HttpRequest request;
  try {
    request = list_request(looking.account, looking.look.to, kPageSize);
  } catch (const Error& error) {
    looked_.push_back({std::move(looking.look), {}, error.message()});
    return;
  }
  next_page(std::move(looking), std::move(request));
}

void Dispatch::next_page(Looking looking, HttpRequest request) {
  const std::uint64_t tag = next_tag_++;
  looking_.emplace(tag, std::move(looking));
  pool_.add(tag, std::move(request), kNever);
}

void Dispatch::drive() {
  pool_.drive();
  for (HttpResult& result : pool_.take_finished()) {
    if (auto sending = sending_.extract(result.tag); !sending.empty())
      finish_sending(std::move(sending.mapped()), result);
    else if (auto looking = looking_.extract(result.tag); !looking.empty())
      finish_page(std::move(looking.mapped()), result);
  }
}

void Dispatch::finish_sending(Sending sending, const HttpResult& result) {
  const std::int64_t now = now_us_();
  Finished finished;
  finished.settlement = settle(result, now / kSecond);
  accounts_.finished(sending.account, finished.settlement, now);
  finished.task = std::move(sending.task);
  finished.request = std::move(sending.request);
  finished.response = response_json(result, finished.settlement);
  finished.http_status = result.status;
  finished.duration_ms = result.duration_ms;
  // A lease that ended before anything was sent is nobody's failure.
  finished.started =
      result.progress != HttpProgress::kUnsent || now < finished.task.lease_until - options_.send_margin;
  finished_.push_back(std::move(finished));
}

void Dispatch::finish_page(Looking looking, const HttpResult& result) {
  try {
    ListPage page = parse_list(result);
    const std::int64_t claimed_at = looking.look.claimed_at / kSecond;
    const bool last = page.next_page_uri.empty() || page_reaches_before(page, claimed_at);
    std::move(page.messages.begin(), page.messages.end(), std::back_inserter(looking.listed));
    if (last) {
      looked_.push_back({std::move(looking.look), std::move(looking.listed), {}});
    } else if (++looking.pages == kMostPages) {
      looked_.push_back({std::move(looking.look), {}, "Twilio's list to this number does not end"});
    } else {
      HttpRequest request = next_page_request(looking.account, page.next_page_uri);
      next_page(std::move(looking), std::move(request));
    }
  } catch (const Error& error) {
    looked_.push_back({std::move(looking.look), {}, error.message()});
  }
}

}  // namespace coach_sms
