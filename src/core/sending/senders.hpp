#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/sending/circuit.hpp"
#include "core/sending/holds.hpp"
#include "core/twilio/outcome.hpp"

namespace coach_sms {

// What Twilio thinks of each sender (a number, a name or a Messaging Service of an account). One
// refusal that blames the sender may be meant for its recipient alone. Two in a row, to different
// recipients and without a success between, are the sender's trouble: its circuit opens, and one
// request from time to time finds out whether a person has put it right. Senders go by names of the
// caller's. Microseconds.
class Senders {
 public:
  static constexpr int kUnlimited = 1'000'000;

  // How many more requests may start now: none while the sender is held, one while its circuit is
  // open.
  int capacity(const std::string& sender, std::int64_t now) const;
  // Until when it is held; a time in the past where it is not.
  std::int64_t held_until(const std::string& sender) const;

  // Returns why messages of that sender wait; nullopt where they need not.
  std::optional<Hold> hold_of(const std::string& sender) const;

  // Each started() is followed by one finished(), or by dropped() where the request was not made.
  void started(const std::string& sender);
  // Returns how long the sender is held for this answer; 0 where it is not the sender's trouble.
  std::int64_t finished(const std::string& sender, const std::string& to,
                        const Settlement& settlement, std::int64_t now);
  void dropped(const std::string& sender);

  // A person may have put something right; and the clock was set back.
  void probe_soon(std::int64_t now);
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
