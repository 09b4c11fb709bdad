#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/sending/circuit.hpp"
#include "core/sending/holds.hpp"
#include "core/twilio/outcome.hpp"

namespace coach_sms {

// Limits how many requests each Twilio account may have under way, and when. Twilio limits the
// requests of an account at the same time (error 20429). So a 429 halves the allowed number, and
// each success gives a little back. Bad credentials open the account's circuit, and so do ten
// requests in a row without a clear answer. The messages then wait, and one request from time to
// time tests the account. Times are microseconds.
//
// The caller names the accounts. Accounts with the same SID and different credentials must have
// different names, or one's mistake would hold the others.
class AccountThrottle {
 public:
  explicit AccountThrottle(int max_in_flight) : max_in_flight_(max_in_flight) {}

  void configure(int max_in_flight) { max_in_flight_ = max_in_flight; }

  // Returns how many more requests may start now; 0 while the account is held.
  int capacity(const std::string& account, std::int64_t now) const;
  // Returns the end of the account's hold; a time in the past where it is not held.
  std::int64_t held_until(const std::string& account) const;
  // Returns how many requests of the account are under way.
  int in_flight(const std::string& account) const;
  // Returns whether the account's circuit is open, also while its test request is under way.
  bool is_in_trouble(const std::string& account) const;
  // Returns why the account's messages wait; nullopt if only its own requests keep it busy.
  std::optional<Hold> hold_of(const std::string& account, std::int64_t now) const;

  // Records a request. Each started() is followed by one finished(), or by dropped() where the
  // request was not made.
  void started(const std::string& account);
  void finished(const std::string& account, const Settlement& settlement, std::int64_t now);
  void dropped(const std::string& account);
  // Allows one request at a time until one succeeds, because the account's credentials were refused
  // elsewhere.
  void doubt(const std::string& account);

  // Lets accounts with an open circuit be tried at once, because a person may have corrected
  // something. It does so no more than once in five seconds, however often it is called. The wait
  // after a 429 stays.
  void probe_soon(std::int64_t now);
  // Ends every wait, also after a 429, because the clock that measured it was set back.
  void release_all();

 private:
  struct Account {
    int in_flight = 0;
    double allowed = 0;  // 0: as many as the setting
    int unanswered = 0;  // in a row
    Circuit circuit;
    std::int64_t slowed_until = 0;
    std::string error_code;  // of the answer that holds it

    std::int64_t held_until() const { return std::max(circuit.held_until(), slowed_until); }
  };

  static void count_unanswered(Account* account, const Settlement& settlement);
  void slow_down(Account* account, const Settlement& settlement, std::int64_t now);
  void give_back(Account* account);
  double allowed(const Account& account) const;

  std::map<std::string, Account> accounts_;
  int max_in_flight_;
  ProbeTimes probes_;
};

}  // namespace coach_sms
