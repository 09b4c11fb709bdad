#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "options.hpp"

namespace fake_twilio {

// Who may send. Fixed once the server runs, so that reading needs no lock.
class Accounts {
 public:
  explicit Accounts(const std::vector<Credential>& credentials);

  // Whether this Authorization header opens that account (Twilio error 20003 if not).
  bool opens(std::string_view authorization, std::string_view account) const;

  // The account's own token: callbacks are signed with it, never with a key's secret. Empty for
  // an unknown account.
  std::string_view token_of(std::string_view account) const;

 private:
  std::unordered_map<std::string, std::string> account_by_header_;
  std::unordered_map<std::string, std::string> token_by_account_;
};

}  // namespace fake_twilio
