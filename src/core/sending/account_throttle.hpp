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

// How many requests each Twilio account may have under way, and when. Twilio limits an account by
// requests at the same time (error 20429), so a 429 halves what is allowed and each success gives
// a little back. Bad credentials open the account's circuit, as does a row of requests without a
// clear answer: nothing is sent, the messages wait, and one request from time to time finds out
// whether it was mended. Microseconds. Accounts go by names of the caller's; those that have
// the same SID and other credentials must have other names, or one's mistake would hold the others.
class AccountThrottle {
 public:
  explicit AccountThrottle(int max_in_flight) : max_in_flight_(max_in_flight) {}

  void configure(int max_in_flight) { max_in_flight_ = max_in_flight; }

  // How many more requests may start now; 0 while the account is held.
  int capacity(const std::string& account, std::int64_t now) const;
  // Until when the account is held; a time in the past where it is not.
  std::int64_t held_until(const std::string& account) const;
  int in_flight(const std::string& account) const;
  // Whether its circuit is open, or was and the probe is still out.
  bool is_in_trouble(const std::string& account) const;
  // Returns why the account's messages wait; nullopt where only its own requests keep it busy.
  std::optional<Hold> hold_of(const std::string& account, std::int64_t now) const;

  // Each started() is followed by one finished(), or by dropped() where the request was not made.
  void started(const std::string& account);
  void finished(const std::string& account, const Settlement& settlement, std::int64_t now);
  void dropped(const std::string& account);
  // One request at a time until one succeeds: its credentials were refused elsewhere.
  void doubt(const std::string& account);

  // A person may have mended something: accounts with an open circuit may be tried at once, but no
  // more than once in five seconds, however often that is said. The wait that a 429 asked for
  // stays.
  void probe_soon(std::int64_t now);
  // Ends every wait, that of a 429 too: the clock by which they were measured was set back.
  void release_all();

 private:
  struct Account {
    int in_flight = 0;
    double allowed = 0;  // 0: as many as the setting
    int unanswered = 0;  // in a row
    Circuit circuit;
    std::int64_t slowed_until = 0;
    std::string error_code;  // that it is held for

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
