#include "core/sending/dispatch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/error.hpp"
#include "core/twilio/api_key.hpp"
#include "core/twilio/sandbox_twilio.hpp"
#include "core/twilio/status_callback.hpp"
#include "core/twilio/twilio_response.hpp"

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kUnusableHold = 60 * kSecond;

Settlement not_sent(const std::string& why) {
  Settlement settlement;
  settlement.outcome = Outcome::kRetry;
  settlement.error_code = "connect_failed";
  settlement.error_message = why;
  return settlement;
}

// Applies a refusal that blames the sender to the message. In the sender's trouble the message
// waits and uses up no attempt. Its wait grows with its attempts, so that others have their turn:
// Twilio may refuse this message for its own sake. Without such trouble, the message is tried once
// more before it fails.
void settle_blame(const Task& task, std::int64_t held_for, Settlement* settlement) {
  if (held_for > 0) {
    settlement->sender_trouble = true;
    settlement->counts_as_attempt = false;
    settlement->retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::microseconds(held_for * (1 + std::clamp(task.attempt, 1, 5))));
  }
  if (held_for > 0 || task.failures == 0) settlement->outcome = Outcome::kRetry;
}

// Returns the sender's name in Senders. It is the same for all tokens, as is the sender's trouble.
std::string sender_name(const Route& route, const std::string& own_from) {
  const std::string& of_route =
      route.messaging_service_sid.empty() ? route.from : route.messaging_service_sid;
  return route.account_sid + ' ' + (own_from.empty() ? of_route : own_from);
}

// Returns the last four characters of a SID, by which people know an account.
std::string end_of(const std::string& sid) {
  return sid.substr(sid.size() < 4 ? 0 : sid.size() - 4);
}

}  // namespace

Dispatch::Dispatch(DispatchOptions options, WallClock now_us, Lanes* lanes, Holds* holds)
    : options_(std::move(options)),
      now_us_(now_us),
      lanes_(lanes),
      holds_(holds),
      accounts_(options_.max_in_flight_per_account),
      lists_(options_.max_in_flight_per_account),
      twilio_(options_.http, now_us) {}

void Dispatch::configure(DispatchOptions options) {
  options_ = std::move(options);
  accounts_.configure(options_.max_in_flight_per_account);
  lists_.configure(options_.max_in_flight_per_account);
  twilio_.configure(options_.http);
}

int Dispatch::room() const noexcept {
  // Results that wait to be recorded (for a row lock) need no connection.
  const std::size_t open = in_hand_.size() - std::min(in_hand_.size(), finished_.size());
  return std::max(0, options_.max_in_flight - static_cast<int>(open));
}

void Dispatch::drop_those_of_held_senders(std::vector<ClaimOrder>* orders, std::int64_t now) {
  std::erase_if(*orders, [&](ClaimOrder& order) {
    const auto known = sender_of_org_.find(order.lane.org);
    if (known == sender_of_org_.end()) return false;
    show_sender_hold(order.lane.org, known->second);
    order.limit = std::min(order.limit, senders_.capacity(known->second, now));
    if (order.limit > 0) return false;
    lanes_->put_off(order.lane.org, std::max(senders_.held_until(known->second), now + kSecond));
    return true;
  });
}

void Dispatch::drop_held(std::vector<ClaimOrder>* orders, std::int64_t now) {
  drop_those_of_held_senders(orders, now);
  struct Share {
    int orders = 0;
    int room = 0;
  };
  std::map<std::string, Share> shares;
  for (const ClaimOrder& order : *orders) {
    const std::string* account = known_account(order.lane.org);
    if (account == nullptr) continue;
    const auto [share, is_first] = shares.try_emplace(*account);
    if (is_first) share->second.room = accounts_.capacity(*account, now);
    ++share->second.orders;
  }
  for (ClaimOrder& order : *orders) {
    const std::string* account = known_account(order.lane.org);
    if (account == nullptr) continue;
    Share& share = shares[*account];
    order.limit = std::min(order.limit, (share.room + share.orders - 1) / share.orders);
    share.room -= order.limit;
    --share.orders;
    show_account_hold(order.lane.org, *account, now);
    if (order.limit == 0) wait_for_account(order.lane.org, *account, now);
  }
  std::erase_if(*orders, [](const ClaimOrder& order) { return order.limit == 0; });
}

const std::string* Dispatch::known_account(const Uuid& org) const {
  const auto known = account_of_org_.find(org);
  return known == account_of_org_.end() ? nullptr : &known->second;
}

void Dispatch::show_account_hold(const Uuid& org, const std::string& account, std::int64_t now) {
  if (auto hold = accounts_.hold_of(account, now)) {
    hold->account = end_of(account.substr(0, account.find(' ')));
    holds_->set_org(HoldRule::kAccount, org, std::move(*hold));
  } else {
    holds_->clear_org(HoldRule::kAccount, org);
  }
}

void Dispatch::show_sender_hold(const Uuid& org, const std::string& sender) {
  if (auto hold = senders_.hold_of(sender))
    holds_->set_org(HoldRule::kSender, org, std::move(*hold));
  else
    holds_->clear_org(HoldRule::kSender, org);
}

void Dispatch::wait_for_account(const Uuid& org, const std::string& account, std::int64_t now) {
  const std::int64_t held_until = accounts_.held_until(account);
  if (held_until > now) {
    lanes_->put_off(org, held_until);
  } else {
    // call_waiting() calls the org as soon as there is room. The time is for an account whose room
    // stays unused.
    waiting_[account].emplace(lanes_->put_off(org, now + kSecond), org);
  }
}

void Dispatch::call_waiting() {
  const std::int64_t now = now_us_();
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    auto& [account, line] = *at;
    int room = accounts_.capacity(account, now);
    while (room > 0 && !line.empty()) {
      if (lanes_->call_back(line.begin()->second)) --room;
      line.erase(line.begin());
    }
    at = line.empty() ? waiting_.erase(at) : std::next(at);
  }
}

// Returns the account's name in AccountThrottle. The token is a part of it: one org's wrong token
// must not hold another org with the right token of the same account.
std::string Dispatch::name_of(const Route& route) {
  return route.account_sid + ' ' +
         std::to_string(std::hash<std::string_view>{}(route.token.view()));
}

Account Dispatch::account_of(const Route& route) const {
  if (const auto key = api_key_in(route.token.view()))
    return {options_.api_url, route.account_sid, std::string(key->sid), Secret(key->secret)};
  return {options_.api_url, route.account_sid, route.account_sid, route.token};
}

OutgoingMessage Dispatch::outgoing(const Task& task, const Route& route,
                                   const std::string& callback) const {
  OutgoingMessage message;
  message.to = task.to;
  message.body = task.body;
  if (task.from.empty()) message.messaging_service_sid = route.messaging_service_sid;
  message.from = task.from.empty() ? route.from : task.from;
  message.status_callback = callback;
  // Twilio keeps no message longer than this many seconds, so a longer validity is left out.
  constexpr std::int64_t kLongestValidity = 36'000;
  const std::int64_t left = (std::min(task.expires_at, task.quiet_at) - now_us_()) / kSecond;
  if (left < kLongestValidity)
    message.validity_period_s = static_cast<int>(std::max(left, std::int64_t{1}));
  return message;
}

void Dispatch::send(Task task, const Route& route) {
  const Uuid message = task.message;
  in_hand_.insert(message);
  try {
    if (task.sandbox)
      start_in_sandbox(std::move(task), route);
    else
      start(std::move(task), route);
  } catch (...) {
    in_hand_.erase(message);
    throw;
  }
}

void Dispatch::start(Task task, const Route& route) {
  std::string callback;
  if (!options_.public_url.empty())
    callback = status_callback_url(options_.public_url,
                                   {to_text(task.org), to_text(task.message), task.attempt});
  Sending sending;
  HttpRequest request;
  try {
    const OutgoingMessage message = outgoing(task, route, callback);
    request = send_request(account_of(route), message);
    request.recall = task.recall;
    sending.request = request_payload_json(message);
  } catch (const Error&) {
    // The account SID is malformed: the message waits until a person corrects it.
    lanes_->hold(task.org, now_us_() + kUnusableHold);
    holds_->set_org(
        HoldRule::kAccount, task.org,
        {"the Twilio account SID is malformed", kNever, true, end_of(route.account_sid)});
    return give_back(std::move(task));
  }
  const std::string account = name_of(route);
  account_of_org_[task.org] = account;
  sender_of_org_[task.org] = sender_name(route, {});
  show_account_hold(task.org, account, now_us_());
  show_sender_hold(task.org, sender_of_org_[task.org]);
  // The claim may have been made before the account was known, or before its trouble.
  if (accounts_.capacity(account, now_us_()) == 0) return give_back(std::move(task));
  sending.account = account;
  sending.sender = sender_name(route, task.from);
  if (senders_.capacity(sending.sender, now_us_()) == 0) {
    // The message has a sender of its own, whose hold must not hold the lane.
    if (!task.from.empty())
      task.due_at =
          std::max({task.due_at, senders_.held_until(sending.sender), now_us_() + kSecond});
    return give_back(std::move(task));
  }
  sending.send_before = send_before(task);
  sending.task = std::move(task);
  add(std::move(sending), std::move(request));
}

// Returns the moment before which the request must leave. Nothing leaves after its send-by time
// either: the message then goes back to the queue, and expires there. The pre-send check is valid
// for as long as making a connection may take, and a second more.
std::int64_t Dispatch::send_before(const Task& task) const {
  const std::int64_t check_holds =
      now_us_() + std::chrono::microseconds(options_.http.connect_timeout).count() + kSecond;
  return std::min(
      {task.lease_until - options_.send_margin, task.expires_at, task.quiet_at, check_holds});
}

void Dispatch::add(Sending sending, HttpRequest request) {
  const std::string account = sending.account;
  const std::string sender = sending.sender;
  const std::int64_t send_before = sending.send_before;
  accounts_.started(account);
  senders_.started(sender);
  try {
    twilio_.send(std::move(sending), std::move(request), send_before);
  } catch (...) {
    accounts_.dropped(account);
    senders_.dropped(sender);
    throw;
  }
}

void Dispatch::start_in_sandbox(Task task, Route route) {
  // Each attempt has a SID of its own: the message's 128 bits, in which the attempt (modulo 16)
  // replaces the version digit of the UUID.
  std::string seed = to_text(task.message);
  std::erase(seed, '-');
  seed[12] = "0123456789abcdef"[task.attempt & 15];
  if (route.messaging_service_sid.empty() && route.from.empty()) route.from = "+15005550006";
  const std::string no_callback;
  const OutgoingMessage message = outgoing(task, route, no_callback);  // views of the task's texts
  HttpResult result = sandbox_answer(message, seed);
  Sending sending;
  sending.request = request_payload_json(message);
  sending.task = std::move(task);
  twilio_.answer(std::move(sending), std::move(result));
}

void Dispatch::give_back(Task task) {
  in_hand_.insert(task.message);
  FinishedTask finished;
  finished.settlement = not_sent("given back");
  finished.task = std::move(task);
  finished_.push_back(std::move(finished));
}

void Dispatch::drive() {
  for (TwilioAnswer& answer : twilio_.drive())
    std::visit([&](auto& request) { finish(std::move(request), answer.result); }, answer.request);
  call_waiting();
}

void Dispatch::finish(Sending sending, const HttpResult& result) {
  const std::int64_t now = now_us_();
  FinishedTask finished;
  finished.settlement = settle(result, unix_seconds(now));
  if (!sending.task.sandbox) learn(sending, &finished.settlement);
  // A request counts as not started if its lease ended before it was sent, or if it was recalled:
  // neither is a failure.
  finished.started =
      result.progress != HttpProgress::kUnsent || (now < sending.send_before && !result.recalled);
  finished.task = std::move(sending.task);
  finished.request = std::move(sending.request);
  finished.response = response_payload_json(result, finished.settlement);
  finished.http_status = result.status;
  finished.duration_ms = result.duration_ms;
  finished_.push_back(std::move(finished));
}

// Records an answer for its account and its sender, and applies their trouble to the message.
void Dispatch::learn(const Sending& sending, Settlement* settlement) {
  const std::int64_t now = now_us_();
  // The account is not in trouble, so Twilio refuses this message: its attempts must come to an
  // end.
  if (settlement->trouble_is_guessed && !accounts_.is_in_trouble(sending.account))
    settlement->counts_as_attempt = true;
  accounts_.finished(sending.account, *settlement, now);
  const std::int64_t held_for =
      senders_.finished(sending.sender, sending.task.to, *settlement, now);
  if (settlement->blames_sender) settle_blame(sending.task, held_for, settlement);
  if (settlement->account_trouble) lists_.doubt(sending.account);
}

}  // namespace coach_sms
