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
  std::string public_url;  // empty: a request has no StatusCallback
  int max_in_flight = 256;
  int max_in_flight_per_account = 100;
  std::int64_t send_margin = 0;  // microseconds; nothing leaves that shortly before the lease's end
};

// The sender's memory of requests: claimed messages, requests under way, results. All but the
// requests under way can be rebuilt from the tables.
class Dispatch {
 public:
  // `lanes` and `holds` must outlive the object.
  Dispatch(DispatchOptions options, WallClock now_us, Lanes* lanes, Holds* holds);

  // Sets the options of requests that start from now on.
  void configure(DispatchOptions options);

  // Ends the holds of lanes and lets open circuits be tried at once, because settings may have
  // changed.
  void settings_changed() {
    lanes_->release_all();
    accounts_.probe_soon(now_us_());
    senders_.probe_soon(now_us_());
    lists_.probe_soon(now_us_());
    account_of_org_.clear();
    sender_of_org_.clear();
  }
  // Does the same and clears all published holds, because one mode's holds mean nothing in the
  // other.
  void mode_changed() {
    settings_changed();
    holds_->clear_all();
  }
  // Ends every wait, because the clock that measured it was set back.
  void clock_set_back() {
    lanes_->release_all();
    accounts_.release_all();
    senders_.release_all();
    lists_.release_all();
  }
  // Returns the client: its descriptor and timeout say when to call drive().
  const TwilioClient& twilio() const noexcept { return twilio_; }

  // Returns how many more messages may be claimed.
  int room() const noexcept;
  // Shares the room of each account among its orders, and removes orders that get nothing. Their
  // orgs are put off until the account is no longer held, or until one of its requests ends. Orgs
  // whose sender is held are removed and put off, too.
  void drop_held(std::vector<ClaimOrder>* orders, std::int64_t now);

  // Starts a request, over HTTP or in the sandbox. Gives the task back if its account or sender
  // takes no request, or if the account SID is malformed. Each task ends in one FinishedTask. After
  // an exception (no memory), nothing was sent and the message is not in hand.
  void send(Task task, const Route& route);
  // Gives a task back without a request.
  void give_back(Task task);

  // Returns the end of the hold on the account's listings; a time in the past where there is none.
  std::int64_t searches_held_until(const Route& route) const;
  // Returns how many listings may start for the account now: the room that its messages leave, and
  // always a fifth of its room. May be negative.
  int room_to_search(const Route& route) const;
  // Starts a listing, even without room. Each search ends in one ListSearchResult.
  void search_list(ListSearch search, const Route& route);

  // Starts a status poll. Returns false where the account is held, or where its SID or the
  // message's is malformed.
  bool poll_status(StatusPoll poll, const Route& route);

  // Starts the requests since the last call, and evaluates the answers that have come. Does not
  // wait.
  void drive();
  // Ends the requests under way: TwilioClient::end().
  void end_requests() noexcept { twilio_.end(); }

  // Returns the finished tasks, oldest first. They stay until the caller removes them, because they
  // must outlive a transaction that fails.
  std::deque<FinishedTask>& finished() noexcept { return finished_; }
  // Returns the finished listings, oldest first, until forget_first_result().
  const std::vector<ListSearchResult>& search_results() const noexcept { return search_results_; }
  void forget_first_result() { search_results_.erase(search_results_.begin()); }
  // Returns whether a search for this message is under way, or its result waits to be settled.
  bool is_searching(const Uuid& message) const;

  // Returns the answers to status polls, which stay until the caller removes them.
  std::vector<PolledStatus>& polled() noexcept { return polled_; }
  std::size_t polls_under_way() const noexcept { return polls_under_way_; }

  // Returns the number of requests of every kind under way.
  std::size_t in_flight() const noexcept { return twilio_.under_way(); }
  // Removes a message that is settled in the tables: this process is no longer responsible for it.
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
  std::int64_t send_before(const Task& task) const;
  void add(Sending sending, HttpRequest request);
  void list_next_form(PendingSearch pending);
  void next_page(PendingSearch pending, HttpRequest request);
  void read_page(PendingSearch pending, const HttpResult& result);
  // Evaluate an answer, one function a kind of request.
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
  // Listings have a throttle of their own: a key that may send but not read must not hold the
  // messages.
  AccountThrottle lists_;
  TwilioClient twilio_;
  std::map<Uuid, std::string> account_of_org_;  // as of the org's last request
  std::map<Uuid, std::string> sender_of_org_;   // as of the same request, the route's sender
  // Orgs put off until one of their account's requests ends, by account and turn.
  std::map<std::string, std::map<std::uint64_t, Uuid>> waiting_;
  std::set<Uuid> in_hand_;  // claimed by this process, result not yet recorded
  std::deque<FinishedTask> finished_;
  std::vector<ListSearchResult> search_results_;
  std::vector<PolledStatus> polled_;
  std::size_t polls_under_way_ = 0;
};

}  // namespace coach_sms
