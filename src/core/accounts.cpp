#include "core/accounts.hpp"

#include <algorithm>
#include <utility>

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;

// A wrong token is mended by a person, in minutes rather than in seconds; a 429 passes by itself.
constexpr std::int64_t kFirstTroubleHold = 5 * kSecond;
constexpr std::int64_t kLongestTroubleHold = 300 * kSecond;
constexpr std::int64_t kShortestSlowDown = kSecond / 10;
// Where Twilio answers nothing any more, each further request only leaves one more message unknown.
constexpr int kMostUnanswered = 10;  // in a row

std::int64_t trouble_hold(int troubles) {
  const int doublings = std::min(troubles - 1, 10);
  return std::min(kFirstTroubleHold << doublings, kLongestTroubleHold);
}

bool is_unclear(const Settlement& settlement) {
  return settlement.outcome == Outcome::kUnknown;
}

}  // namespace

int Accounts::capacity(const std::string& name, std::int64_t now) const {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return max_in_flight_;
  const Account& account = found->second;
  if (account.held_until > now) return 0;
  const int ceiling = account.troubles > 0 ? 1 : static_cast<int>(allowed(account));
  return std::max(0, ceiling - account.in_flight);
}

std::int64_t Accounts::held_until(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second.held_until;
}

void Accounts::started(const std::string& name) {
  ++accounts_[name].in_flight;
}

void Accounts::finished(const std::string& name, const Settlement& settlement, std::int64_t now) {
  Account& account = accounts_[name];
  account.in_flight = std::max(0, account.in_flight - 1);
  count_unanswered(&account, settlement);
  if (settlement.account_trouble ||
      (is_unclear(settlement) && account.unanswered >= kMostUnanswered))
    open_circuit(&account, now);
  if (settlement.slow_down) slow_down(&account, settlement, now);
  if (settlement.outcome == Outcome::kAccepted ||
      (settlement.outcome == Outcome::kRejected && !settlement.account_trouble))
    account.troubles = 0;
  if (settlement.outcome == Outcome::kAccepted) give_back(&account);
}

bool Accounts::is_in_trouble(const std::string& name) const {
  const auto found = accounts_.find(name);
  return found != accounts_.end() && found->second.troubles > 0;
}

void Accounts::dropped(const std::string& name) {
  Account& account = accounts_[name];
  account.in_flight = std::max(0, account.in_flight - 1);
}

void Accounts::probe_soon(std::int64_t now) {
  if (probed_at_ <= now) probed_at_ = std::max(now, probed_at_ + kFirstTroubleHold);
  for (auto& [name, account] : accounts_)
    if (account.troubles > 0) account.held_until = std::min(account.held_until, probed_at_);
}

void Accounts::release_all() {
  probed_at_ = 0;
  for (auto& [name, account] : accounts_)
    account.held_until = 0;
}

void Accounts::count_unanswered(Account* account, const Settlement& settlement) {
  if (is_unclear(settlement))
    ++account->unanswered;
  else if (settlement.error_code != "connect_failed")
    account->unanswered = 0;
}

// Requests that were under way together count as one trouble.
void Accounts::open_circuit(Account* account, std::int64_t now) {
  if (account->troubles == 0 || account->held_until <= now) ++account->troubles;
  account->held_until = std::max(account->held_until, now + trouble_hold(account->troubles));
}

void Accounts::slow_down(Account* account, const Settlement& settlement, std::int64_t now) {
  std::int64_t wait =
      std::chrono::duration_cast<std::chrono::microseconds>(settlement.retry_after).count();
  // Who asks for hours behind an unclear answer may be anybody on the way.
  if (is_unclear(settlement)) wait = std::min(wait, kLongestTroubleHold);
  if (account->held_until <= now) account->allowed = std::max(1.0, allowed(*account) / 2);
  account->held_until = std::max(account->held_until, now + std::max(wait, kShortestSlowDown));
}

void Accounts::give_back(Account* account) {
  if (account->allowed > 0) account->allowed += 1 / account->allowed;
  if (account->allowed >= max_in_flight_) account->allowed = 0;
}

double Accounts::allowed(const Account& account) const {
  return account.allowed > 0 ? std::min<double>(account.allowed, max_in_flight_) : max_in_flight_;
}

}  // namespace coach_sms
