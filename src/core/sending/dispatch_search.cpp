#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/sending/dispatch.hpp"
#include "core/text/phone_forms.hpp"
#include "core/twilio/list_match.hpp"
#include "core/twilio/twilio_response.hpp"

// The sender's other requests to Twilio: listings that search for unknown messages, and status
// polls.

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
// Enough for a thousand texts to one number since the claim, which is more than any real traffic.
constexpr int kPageSize = 20;
constexpr int kMostPages = 50;

// Returns why Twilio's list was not searched; empty where it was. Twilio's own words are left out,
// because they may hold a person's number.
std::string why_not_asked(const HttpResult& result, const Settlement& settlement) {
  if (settlement.server_trouble)
    return "this server cannot make a connection to Twilio: " + settlement.error_message;
  if (result.progress == HttpProgress::kUnsent)
    return "Twilio was not reached: " + settlement.error_message;
  if (settlement.account_trouble) return "Twilio refuses its account's credentials";
  if (settlement.slow_down) return "Twilio asks for fewer requests";
  return {};
}

}  // namespace

std::int64_t Dispatch::searches_held_until(const Route& route) const {
  const std::string name = name_of(route);
  return std::max(accounts_.held_until(name), lists_.held_until(name));
}

int Dispatch::room_to_search(const Route& route) const {
  const std::string name = name_of(route);
  const int most = options_.max_in_flight_per_account;
  const int left = std::max({most - accounts_.in_flight(name), most / 5, 1});
  return std::min(lists_.capacity(name, now_us_()), left - lists_.in_flight(name));
}

void Dispatch::search_list(ListSearch search, const Route& route) {
  std::vector<std::string> forms = phone_forms(search.to);
  list_next_form({std::move(search), account_of(route), name_of(route), std::move(forms), {}, 0});
}

// Lists the next form of the number: Twilio may keep the number in another form than we gave.
void Dispatch::list_next_form(PendingSearch pending) {
  HttpRequest request;
  try {
    request = list_request(pending.account, pending.unlisted.front(), kPageSize);
  } catch (const Error& error) {
    search_results_.push_back({std::move(pending.search), {}, error.message(), false});
    return;
  }
  pending.unlisted.erase(pending.unlisted.begin());
  pending.pages = 0;
  next_page(std::move(pending), std::move(request));
}

bool Dispatch::is_searching(const Uuid& message) const {
  return twilio_.is_searching(message) ||
         std::any_of(search_results_.begin(), search_results_.end(),
                     [&](const ListSearchResult& one) { return one.search.message == message; });
}

void Dispatch::next_page(PendingSearch pending, HttpRequest request) {
  const std::string name = pending.name;
  lists_.started(name);
  try {
    twilio_.send(std::move(pending), std::move(request));
  } catch (...) {
    lists_.dropped(name);
    throw;
  }
}

bool Dispatch::poll_status(StatusPoll poll, const Route& route) {
  if (is_held(route)) return false;
  HttpRequest request;
  try {
    request = fetch_request(account_of(route), poll.sid);
  } catch (const Error&) {
    return false;
  }
  twilio_.send(std::move(poll), std::move(request));
  ++polls_under_way_;
  return true;
}

bool Dispatch::is_held(const Route& route) const {
  return accounts_.held_until(name_of(route)) > now_us_();
}

void Dispatch::finish(PendingSearch pending, const HttpResult& result) {
  const std::int64_t now = now_us_();
  const Settlement settlement = settle_listing(result, unix_seconds(now));
  lists_.finished(pending.name, settlement, now);
  const std::string why = why_not_asked(result, settlement);
  if (why.empty()) return read_page(std::move(pending), result);
  const std::int64_t held_until = lists_.held_until(pending.name);
  search_results_.push_back(
      {std::move(pending.search), {}, why, false, held_until > now ? held_until : 0});
}

void Dispatch::read_page(PendingSearch pending, const HttpResult& result) {
  try {
    ListPage page = parse_list(result);
    const std::int64_t claimed_at = unix_seconds(pending.search.claimed_at);
    const bool last = page.next_page_uri.empty() || page_reaches_before(page, claimed_at);
    std::move(page.messages.begin(), page.messages.end(), std::back_inserter(pending.listed));
    if (last && !pending.unlisted.empty()) {
      list_next_form(std::move(pending));
    } else if (last) {
      search_results_.push_back({std::move(pending.search), std::move(pending.listed), {}});
    } else if (++pending.pages == kMostPages) {
      search_results_.push_back(
          {std::move(pending.search), {}, "Twilio's list to this number does not end"});
    } else {
      HttpRequest request = next_page_request(pending.account, page.next_page_uri);
      next_page(std::move(pending), std::move(request));
    }
  } catch (const Error& error) {
    search_results_.push_back({std::move(pending.search), {}, error.message()});
  }
}

void Dispatch::finish(StatusPoll poll, const HttpResult& result) {
  --polls_under_way_;
  std::optional<ListedMessage> message;
  try {
    message = parse_message(result);
    if (message->sid != poll.sid) message.reset();
  } catch (const Error&) {  // the next poll is at the message's next age
  }
  polled_.push_back({std::move(poll), std::move(message)});
}

}  // namespace coach_sms
