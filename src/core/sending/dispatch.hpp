#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/sending/account_throttle.hpp"
#include "core/sending/holds.hpp"
#include "core/sending/lanes.hpp"
#include "core/sending/requests.hpp"
#include "core/sending/senders.hpp"
#include "core/sending/twilio_client.hpp"

namespace coach_sms {

struct DispatchOptions {
  HttpOptions http;
  std::string api_url;
  std::string public_url;  // empty: no StatusCallback is asked for
  int max_in_flight = 256;
  int max_in_flight_per_account = 100;
  std::int64_t send_margin = 0;  // microseconds before the lease's end after which nothing leaves
};

// The sender's memory of requests: what is claimed, what is under way, what came back.
// Everything in it but requests under way can be rebuilt from the tables.
class Dispatch {
 public:
  // Lanes and holds outlive it.
  Dispatch(DispatchOptions options, WallClock now_us, Lanes* lanes, Holds* holds);

  void configure(DispatchOptions options);

  // Settings may have changed: nothing is held any longer for what was found before.
  void settings_changed() {
    lanes_->release_all();
    accounts_.probe_soon(now_us_());
    senders_.probe_soon(now_us_());
    lists_.probe_soon(now_us_());
    account_of_org_.clear();
    sender_of_org_.clear();
  }
  // Another mode: what one of them waits for is nothing to the other.
  void mode_changed() {
    settings_changed();
    holds_->clear_all();
  }
  // Nothing waits for where the clock was.
  void clock_set_back() {
    lanes_->release_all();
    accounts_.release_all();
    senders_.release_all();
    lists_.release_all();
  }
  // For the caller's waiting.
  const TwilioClient& twilio() const noexcept { return twilio_; }

  // How many more messages may be claimed.
  int room() const noexcept;
  // Shares what room each account has among its orders, and takes out those that get nothing: their
  // orgs are put off until the account is no longer held, or until one of its requests is over. So
  // are orgs whose sender is held.
  void drop_held(std::vector<ClaimOrder>* orders, std::int64_t now);

  // Starts a request, over HTTP or to the sandbox, or gives the task back where the account can
  // take none. One FinishedTask per task. An exception (no memory) means that nothing was sent and
  // that the message is not in hand.
  void send(Task task, const Route& route);
  // Gives a task back without a request.
  void give_back(Task task);

  // Until when no listing may be asked of the account; a time in the past where one may.
  std::int64_t searches_held_until(const Route& route) const;
  // How many listings may start for it now: what its messages leave, and a fifth of it always.
  int room_to_search(const Route& route) const;
  // Starts a listing, whatever room there is. One ListSearchResult per search.
  void search_list(ListSearch search, const Route& route);

  // Asks Twilio about a message. False where its account is held, or the SID or the account is
  // none.
  bool poll_status(StatusPoll poll, const Route& route);

  // Moves everything along as far as it goes without waiting.
  void drive();

  // Finished tasks, oldest first, until the caller takes them out: they must outlive a transaction
  // that fails.
  std::deque<FinishedTask>& finished() noexcept { return finished_; }
  // Listings that came back, oldest first, until each is forgotten.
  const std::vector<ListSearchResult>& search_results() const noexcept { return search_results_; }
  void forget_first_result() { search_results_.erase(search_results_.begin()); }
  // Whether a search for this message is under way or waits to be settled.
  bool is_searching(const Uuid& message) const;

  // What was answered to status polls, until the caller takes it out.
  std::vector<PolledStatus>& polled() noexcept { return polled_; }
  std::size_t polls_under_way() const noexcept { return polls_under_way_; }

  // Requests of whatever kind.
  std::size_t in_flight() const noexcept { return twilio_.under_way(); }
  // The message is settled in the tables: this process no longer answers for it.
  void let_go(const Uuid& message) { in_hand_.erase(message); }
  std::vector<Uuid> not_in_hand(std::vector<Uuid> messages) const {
    std::erase_if(messages, [this](const Uuid& message) { return in_hand_.contains(message); });
    return messages;
  }
  std::size_t in_hand() const noexcept { return in_hand_.size(); }
  std::vector<Uuid> messages_in_hand() const { return {in_hand_.begin(), in_hand_.end()}; }

 private:
  static std::string name_of(const Route& route);
  Account account_of(const Route& route) const;
  bool is_held(const Route& route) const;
  OutgoingMessage outgoing(const Task& task, const Route& route, const std::string& callback) const;
  const std::string* known_account(const Uuid& org) const;
  void drop_those_of_held_senders(std::vector<ClaimOrder>* orders, std::int64_t now);
  void show_account_hold(const Uuid& org, const std::string& account, std::int64_t now);
  void show_sender_hold(const Uuid& org, const std::string& sender);
  void wait_for_account(const Uuid& org, const std::string& account, std::int64_t now);
  void call_waiting();
  void start(Task task, const Route& route);
  void start_in_sandbox(Task task, Route route);
  void add(Sending sending, HttpRequest request);
  void list_next_form(PendingSearch pending);
  void next_page(PendingSearch pending, HttpRequest request);
  void read_page(PendingSearch pending, const HttpResult& result);
  // What an answer means, one function a kind of request.
  void finish(Sending sending, const HttpResult& result);
  void finish(PendingSearch pending, const HttpResult& result);
  void finish(StatusPoll poll, const HttpResult& result);
  void learn(const Sending& sending, Settlement* settlement);

  DispatchOptions options_;
  WallClock now_us_;
  Lanes* lanes_;
  Holds* holds_;
  AccountThrottle accounts_;
  Senders senders_;
  // Listings apart: a key that may send and not read must not hold the messages.
  AccountThrottle lists_;
  TwilioClient twilio_;
  std::map<Uuid, std::string> account_of_org_;  // as of the org's last request
  std::map<Uuid, std::string> sender_of_org_;   // the same, its own sender
  // Orgs put off until one of their account's requests is over, by turn.
  std::map<std::string, std::map<std::uint64_t, Uuid>> waiting_;
  std::set<Uuid> in_hand_;  // claimed by us and not yet recorded
  std::deque<FinishedTask> finished_;
  std::vector<ListSearchResult> search_results_;
  std::vector<PolledStatus> polled_;
  std::size_t polls_under_way_ = 0;
};

}  // namespace coach_sms
