#include "core/sending/account_throttle.hpp"

#include <algorithm>
#include <utility>

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;

// The shortest hold after a 429 or 503. Either passes by itself, unlike a wrong token.
constexpr std::int64_t kShortestSlowDown = kSecond / 10;
// This many requests without a clear answer open the circuit. Each further one would only leave one
// more message unknown.
constexpr int kMostUnanswered = 10;  // in a row

bool is_unclear(const Settlement& settlement) {
  return settlement.outcome == Outcome::kUnknown;
}

}  // namespace

int AccountThrottle::capacity(const std::string& name, std::int64_t now) const {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return max_in_flight_;
  const Account& account = found->second;
  if (account.held_until() > now) return 0;
  const int ceiling = account.circuit.is_open() ? 1 : static_cast<int>(allowed(account));
  return std::max(0, ceiling - account.in_flight);
}

std::int64_t AccountThrottle::held_until(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second.held_until();
}

int AccountThrottle::in_flight(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second.in_flight;
}

void AccountThrottle::started(const std::string& name) {
  ++accounts_[name].in_flight;
}

void AccountThrottle::finished(const std::string& name, const Settlement& settlement,
                               std::int64_t now) {
  Account& account = accounts_[name];
  account.in_flight = std::max(0, account.in_flight - 1);
  count_unanswered(&account, settlement);
  const bool in_trouble = settlement.account_trouble ||
                          (is_unclear(settlement) && account.unanswered >= kMostUnanswered);
  if (in_trouble) account.circuit.open(now);
  if (settlement.slow_down) slow_down(&account, settlement, now);
  if (in_trouble || settlement.slow_down) account.error_code = settlement.error_code;
  if (settlement.outcome == Outcome::kAccepted ||
      (settlement.outcome == Outcome::kRejected && !settlement.account_trouble))
    account.circuit.close();
  if (settlement.outcome == Outcome::kAccepted) give_back(&account);
}

bool AccountThrottle::is_in_trouble(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found != accounts_.end() && found->second.circuit.is_open();
}

void AccountThrottle::doubt(const std::string& name) {
  accounts_[name].circuit.doubt();
}

std::optional<Hold> AccountThrottle::hold_of(const std::string& name, std::int64_t now) const {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return std::nullopt;
  const Account& account = found->second;
  if (account.circuit.is_open())
    return Hold{"Twilio refuses the account's requests or does not answer them: error " +
                    account.error_code,
                kNever, true};
  if (account.slowed_until <= now) return std::nullopt;
  return Hold{"Twilio asks for fewer requests: error " + account.error_code, account.slowed_until};
}

void AccountThrottle::dropped(const std::string& name) {
  Account& account = accounts_[name];
  account.in_flight = std::max(0, account.in_flight - 1);
}

void AccountThrottle::probe_soon(std::int64_t now) {
  const std::int64_t at = probes_.next(now);
  for (auto& [name, account] : accounts_)
    account.circuit.probe_at(at);
}

void AccountThrottle::release_all() {
  probes_.release();
  for (auto& [name, account] : accounts_) {
    account.circuit.release();
    account.slowed_until = 0;
  }
}

void AccountThrottle::count_unanswered(Account* account, const Settlement& settlement) {
  if (is_unclear(settlement))
    ++account->unanswered;
  else if (settlement.error_code != "connect_failed" && !settlement.server_trouble)
    account->unanswered = 0;
}

void AccountThrottle::slow_down(Account* account, const Settlement& settlement, std::int64_t now) {
  std::int64_t wait =
      std::chrono::duration_cast<std::chrono::microseconds>(settlement.retry_after).count();
  // An unclear answer may come from any host on the way, so it cannot ask for hours.
  if (is_unclear(settlement)) wait = std::min(wait, Circuit::kLongestHold);
  if (account->slowed_until <= now) account->allowed = std::max(1.0, allowed(*account) / 2);
  account->slowed_until = std::max(account->slowed_until, now + std::max(wait, kShortestSlowDown));
}

void AccountThrottle::give_back(Account* account) {
  if (account->allowed > 0) account->allowed += 1 / account->allowed;
  if (account->allowed >= max_in_flight_) account->allowed = 0;
}

double AccountThrottle::allowed(const Account& account) const {
  return account.allowed > 0 ? std::min<double>(account.allowed, max_in_flight_) : max_in_flight_;
}

}  // namespace coach_sms
