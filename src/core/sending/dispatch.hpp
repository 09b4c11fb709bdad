#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/uuid.hpp"
#include "core/http/http_pool.hpp"
#include "core/sending/account_throttle.hpp"
#include "core/sending/holds.hpp"
#include "core/sending/lanes.hpp"
#include "core/sending/senders.hpp"
#include "core/twilio/outcome.hpp"
#include "core/twilio/twilio_message.hpp"
#include "core/twilio/twilio_request.hpp"

namespace coach_sms {

// A claimed message on its way to Twilio. Times are microseconds since 1970.
struct Task {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;
  int attempt = 0;   // which request of this message, from 1
  int failures = 0;  // attempts used up before this one
  std::string zone;
  int priority = 0;
  std::string to;
  std::string from;  // asked for by the message itself; empty: the route's sender
  std::string body;
  std::int64_t due_at = 0;  // its place in the lane, should it go back
  std::int64_t claimed_at = 0;
  std::int64_t lease_until = 0;
  std::int64_t expires_at = kNever;
  std::int64_t quiet_at = kNever;  // when the next quiet hours begin
  bool sandbox = false;
  RecallMark recall;  // of its recipient, as of the last check
};

// As whom, and from what, an org sends.
struct Route {
  std::string account_sid;
  Secret token;
  std::string messaging_service_sid;
  std::string from;
};

// A task whose request is over.
struct Finished {
  Task task;
  Settlement settlement;
  std::string request;   // JSON, for sms_attempts; empty where none was made
  std::string response;  // JSON, for sms_attempts; empty where none came
  int http_status = 0;
  int duration_ms = 0;
  bool started = false;    // false: no request was made at all, and no attempt is counted
  int records_failed = 0;  // how often writing down this result alone has failed
};

// An unknown message that Twilio's list is searched for.
struct ListSearch {
  Uuid message;
  Uuid org;
  std::int64_t fence = 0;
  std::string to;
  std::int64_t claimed_at = 0;  // microseconds
  std::int64_t started_at = 0;  // microseconds
};

// What the list showed: everything to that number, in each of its forms, since the claim, or why it
// could not be read.
struct ListSearchResult {
  ListSearch look;
  std::vector<ListedMessage> listed;
  std::string error;
  // false: nothing was asked after all. No request left, or Twilio refused the account or slowed it
  // down, which says nothing of the list. Until when the account is then held; 0: it is not.
  bool asked = true;
  std::int64_t held_until = 0;
};

// A message that Twilio took, and that it is asked about.
struct StatusPoll {
  Uuid message;
  Uuid org;
  std::string sid;
};

// What Twilio answered; nullopt where it could not be read.
struct PolledStatus {
  StatusPoll question;
  std::optional<ListedMessage> message;
};

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
  HttpPool& pool() noexcept { return pool_; }

  // How many more messages may be claimed.
  int room() const noexcept;
  // Shares what room each account has among its orders, and takes out those that get nothing: their
  // orgs are put off until the account is no longer held, or until one of its requests is over. So
  // are orgs whose sender is held.
  void drop_held(std::vector<ClaimOrder>* orders, std::int64_t now);

  // Starts a request, lets the sandbox answer at once, or gives the task back where the account can
  // take none. One Finished per task. An exception (no memory) means that nothing was sent and that
  // the message is not in hand.
  void send(Task task, const Route& route);
  // Gives a task back without a request.
  void give_back(Task task);

  // Until when no listing may be asked of the account; a time in the past where one may.
  std::int64_t searches_held_until(const Route& route) const;
  // How many listings may start for it now: what its messages leave, and a fifth of it always.
  int room_to_search(const Route& route) const;
  // Starts a listing, whatever room there is. One ListSearchResult per search.
  void search_list(ListSearch look, const Route& route);

  // Asks Twilio about a message. False where its account is held, or the SID or the account is
  // none.
  bool poll_status(StatusPoll question, const Route& route);

  // Moves everything along as far as it goes without waiting.
  void drive();

  // Settled tasks, oldest first, until the caller takes them out: they must outlive a transaction
  // that fails.
  std::deque<Finished>& finished() noexcept { return finished_; }
  // Listings that came back, oldest first, until each is forgotten.
  const std::vector<ListSearchResult>& search_results() const noexcept { return search_results_; }
  void forget_first_result() { search_results_.erase(search_results_.begin()); }
  // Whether a search for this message is under way or waits to be settled.
  bool is_searching(const Uuid& message) const;

  std::vector<PolledStatus>& answered() noexcept { return answered_; }
  // Status polls under way, and those whose answers wait.
  std::size_t status_polls() const noexcept { return polling_.size() + answered_.size(); }

  std::size_t in_flight() const noexcept {
    return sending_.size() + searching_.size() + polling_.size();
  }
  // The message is settled in the tables: this process no longer answers for it.
  void let_go(const Uuid& message) { in_hand_.erase(message); }
  std::vector<Uuid> not_in_hand(std::vector<Uuid> messages) const {
    std::erase_if(messages, [this](const Uuid& message) { return in_hand_.contains(message); });
    return messages;
  }
  std::size_t in_hand() const noexcept { return in_hand_.size(); }
  std::vector<Uuid> messages_in_hand() const { return {in_hand_.begin(), in_hand_.end()}; }

 private:
  struct Sending {
    Task task;
    std::string account;
    std::string sender;
    std::string request;
    std::int64_t send_before = 0;
  };
  struct PendingSearch {
    ListSearch look;
    Account account;
    std::string name;
    std::vector<std::string> unlisted;  // forms of its number that are still to be listed
    std::vector<ListedMessage> listed;
    int pages = 0;
  };

  static std::string name_of(const Route& route);
  Account account_of(const Route& route) const;
  bool is_held(const Route& route) const;
  OutgoingMessage outgoing(const Task& task, const Route& route, const std::string& callback) const;
  const std::string* known_account(const Uuid& org) const;
  void drop_those_of_held_senders(std::vector<ClaimOrder>* orders, std::int64_t now);
  void tell_account(const Uuid& org, const std::string& account, std::int64_t now);
  void tell_sender(const Uuid& org, const std::string& sender);
  void wait_for_account(const Uuid& org, const std::string& account, std::int64_t now);
  void call_waiting();
  void start(Task task, const Route& route);
  void add(Sending sending, HttpRequest request);
  void answer_in_sandbox(Task task, Route route);
  void finish_sending(Sending sending, const HttpResult& result);
  void finish_page(PendingSearch looking, const HttpResult& result);
  void read_page(PendingSearch looking, const HttpResult& result);
  void list_next_form(PendingSearch looking);
  void next_page(PendingSearch looking, HttpRequest request);
  void finish_status_poll(StatusPoll question, const HttpResult& result);

  DispatchOptions options_;
  WallClock now_us_;
  Lanes* lanes_;
  Holds* holds_;
  AccountThrottle accounts_;
  Senders senders_;
  // Listings apart: a key that may send and not read must not hold the messages.
  AccountThrottle lists_;
  HttpPool pool_;
  std::uint64_t next_tag_ = 1;
  std::unordered_map<std::uint64_t, Sending> sending_;
  std::unordered_map<std::uint64_t, PendingSearch> searching_;
  std::unordered_map<std::uint64_t, StatusPoll> polling_;
  std::map<Uuid, std::string> account_of_org_;  // as of the org's last request
  std::map<Uuid, std::string> sender_of_org_;   // the same, its own sender
  // Orgs put off until one of their account's requests is over, by turn.
  std::map<std::string, std::map<std::uint64_t, Uuid>> waiting_;
  std::set<Uuid> in_hand_;  // claimed by us and not yet recorded
  std::deque<Finished> finished_;
  std::vector<ListSearchResult> search_results_;
  std::vector<PolledStatus> answered_;
};

}  // namespace coach_sms
