#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/crypto/sealing.hpp"
#include "gateway/call.hpp"

namespace coach_sms {

// A person who has signed in.
struct SignIn {
  std::string role;
  Secret password;
  std::string id;           // random
  Clock::time_point began;  // it ends 12 hours later
  Clock::time_point used;   // it ends 30 minutes later, unless it is used again
};

// Makes and opens the cookies of people who have signed in. A cookie holds the whole sign-in,
// sealed with a key that is made at the start and never leaves the process. So a restart signs all
// out. May be called from any thread.
class SignIns {
 public:
  SignIns();

  // Returns a new sign-in of that role.
  SignIn begin(std::string role, Secret password, Clock::time_point now) const;
  // Returns the value of the cookie for the sign-in, as used now.
  std::string cookie(const SignIn& sign_in, Clock::time_point now) const;
  // Returns the sign-in; nullopt for a cookie that is not ours, was changed, or is over.
  std::optional<SignIn> open(std::string_view cookie, Clock::time_point now) const;
  // Ends the sign-in, also for copies of its cookie.
  void end(const SignIn& sign_in);

  // Returns a token that a form of the sign-in carries, and whether a token is one.
  std::string token(const SignIn& sign_in) const;
  bool is_token(const SignIn& sign_in, std::string_view token) const;

 private:
  SealingKey key_;
  mutable std::mutex mutex_;
  std::map<std::string, Clock::time_point> ended_;  // ids, until their cookies are over anyway
};

}  // namespace coach_sms
