#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/sending/dispatch.hpp"
#include "core/text/phone_forms.hpp"
#include "core/twilio/list_match.hpp"
#include "core/twilio/twilio_response.hpp"

// What the sender asks of Twilio besides sending: listings that search for unknown messages, and
// the status of messages whose end it was not told.

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
// Enough for a thousand texts to one number since the claim; more is nobody's SMS traffic.
constexpr int kPageSize = 20;
constexpr int kMostPages = 50;

// Twilio's own words are left out: they may name a person's number. Empty: it was asked.
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

void Dispatch::search_list(ListSearch look, const Route& route) {
  std::vector<std::string> forms = phone_forms(look.to);
  list_next_form({std::move(look), account_of(route), name_of(route), std::move(forms), {}, 0});
}

// Twilio may have kept the number in another form than we gave.
void Dispatch::list_next_form(PendingSearch looking) {
  HttpRequest request;
  try {
    request = list_request(looking.account, looking.unlisted.front(), kPageSize);
  } catch (const Error& error) {
    search_results_.push_back({std::move(looking.look), {}, error.message(), false});
    return;
  }
  looking.unlisted.erase(looking.unlisted.begin());
  looking.pages = 0;
  next_page(std::move(looking), std::move(request));
}

bool Dispatch::is_searching(const Uuid& message) const {
  const auto is_same = [&](const auto& one) { return one.look.message == message; };
  return std::any_of(search_results_.begin(), search_results_.end(), is_same) ||
         std::any_of(searching_.begin(), searching_.end(),
                     [&](const auto& entry) { return is_same(entry.second); });
}

void Dispatch::next_page(PendingSearch looking, HttpRequest request) {
  const std::uint64_t tag = next_tag_++;
  const std::string name = looking.name;
  lists_.started(name);
  try {
    searching_.emplace(tag, std::move(looking));
    pool_.add(tag, std::move(request), kNever);
  } catch (...) {
    searching_.erase(tag);
    lists_.dropped(name);
    throw;
  }
}

bool Dispatch::poll_status(StatusPoll question, const Route& route) {
  if (is_held(route)) return false;
  HttpRequest request;
  try {
    request = fetch_request(account_of(route), question.sid);
  } catch (const Error&) {
    return false;
  }
  const std::uint64_t tag = next_tag_++;
  polling_.emplace(tag, std::move(question));
  try {
    pool_.add(tag, std::move(request), kNever);
  } catch (...) {
    polling_.erase(tag);
    throw;
  }
  return true;
}

bool Dispatch::is_held(const Route& route) const {
  return accounts_.held_until(name_of(route)) > now_us_();
}

void Dispatch::finish_page(PendingSearch looking, const HttpResult& result) {
  const std::int64_t now = now_us_();
  const Settlement settlement = settle_listing(result, now / kSecond);
  lists_.finished(looking.name, settlement, now);
  const std::string why = why_not_asked(result, settlement);
  if (why.empty()) return read_page(std::move(looking), result);
  const std::int64_t held_until = lists_.held_until(looking.name);
  search_results_.push_back(
      {std::move(looking.look), {}, why, false, held_until > now ? held_until : 0});
}

void Dispatch::read_page(PendingSearch looking, const HttpResult& result) {
  try {
    ListPage page = parse_list(result);
    const std::int64_t claimed_at = looking.look.claimed_at / kSecond;
    const bool last = page.next_page_uri.empty() || page_reaches_before(page, claimed_at);
    std::move(page.messages.begin(), page.messages.end(), std::back_inserter(looking.listed));
    if (last && !looking.unlisted.empty()) {
      list_next_form(std::move(looking));
    } else if (last) {
      search_results_.push_back({std::move(looking.look), std::move(looking.listed), {}});
    } else if (++looking.pages == kMostPages) {
      search_results_.push_back(
          {std::move(looking.look), {}, "Twilio's list to this number does not end"});
    } else {
      HttpRequest request = next_page_request(looking.account, page.next_page_uri);
      next_page(std::move(looking), std::move(request));
    }
  } catch (const Error& error) {
    search_results_.push_back({std::move(looking.look), {}, error.message()});
  }
}

void Dispatch::finish_status_poll(StatusPoll question, const HttpResult& result) {
  std::optional<ListedMessage> message;
  try {
    message = parse_message(result);
    if (message->sid != question.sid) message.reset();
  } catch (const Error&) {  // it is asked about again, when it is older
  }
  answered_.push_back({std::move(question), std::move(message)});
}

}  // namespace coach_sms
