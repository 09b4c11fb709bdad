#pragma once

#include <map>
#include <mutex>
#include <string>

#include "gateway/call.hpp"

namespace coach_sms {

// Slows down guesses of passwords: after five that failed, an address has to wait, each time twice
// as long. A success forgives none of them, since anybody with a password could make one between
// guesses; an hour without a failure does. May be called from any thread.
class Attempts {
 public:
  // Returns whether the address may try now. Counts the try as failed until succeeded().
  bool begin(const std::string& address, Clock::time_point now);
  void succeeded(const std::string& address);

 private:
  struct Failures {
    int count = 0;
    Clock::time_point tried_at;
    Clock::time_point again_at;
  };

  std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

}  // namespace coach_sms
