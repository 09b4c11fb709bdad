#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/sending/circuit.hpp"
#include "core/sending/holds.hpp"
#include "core/twilio/outcome.hpp"

namespace coach_sms {

// Tracks Twilio's refusals of each sender (a number, a name or a Messaging Service of an account).
// One refusal that blames the sender may concern its recipient alone. Two in a row, for different
// recipients and without a success between, are the sender's trouble. Its circuit then opens, and
// one request from time to time tests whether a person has corrected the cause. The caller names
// the senders. Microseconds.
class Senders {
 public:
  static constexpr int kUnlimited = 1'000'000;

  // Returns how many more requests may start now: none while the sender is held, one while its
  // circuit is open, else kUnlimited.
  int capacity(const std::string& sender, std::int64_t now) const;
  // Returns the end of the sender's hold; a time in the past where it is not held.
  std::int64_t held_until(const std::string& sender) const;

  // Returns why messages of that sender wait; nullopt where they do not.
  std::optional<Hold> hold_of(const std::string& sender) const;

  // Records a request. Each started() is followed by one finished(), or by dropped() where the
  // request was not made.
  void started(const std::string& sender);
  // Records the answer. Returns how long the sender is held for it; 0 where it is not the sender's
  // trouble.
  std::int64_t finished(const std::string& sender, const std::string& to,
                        const Settlement& settlement, std::int64_t now);
  void dropped(const std::string& sender);

  // Lets senders with an open circuit be tried at once, because a person may have corrected
  // something. It does so no more than once in five seconds.
  void probe_soon(std::int64_t now);
  // Ends every hold, because the clock that measured it was set back.
  void release_all();

 private:
  struct Sender {
    int in_flight = 0;
    Circuit circuit;
    std::string refused_to;  // the last recipient, since the last success
    std::string error_code;  // of the last refusal
  };

  std::map<std::string, Sender> senders_;
  ProbeTimes probes_;
};

}  // namespace coach_sms
