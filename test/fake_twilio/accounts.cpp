#include "accounts.hpp"

#include <utility>

#include "text.hpp"

namespace fake_twilio {

Accounts::Accounts(const std::vector<Credential>& credentials) {
  for (const Credential& credential : credentials) {
    account_by_header_["Basic " + base64(credential.user + ':' + credential.secret)] =
        credential.account;
    if (credential.user == credential.account) {
      token_by_account_[credential.account] = credential.secret;
    }
  }
}

bool Accounts::opens(std::string_view authorization, std::string_view account) const {
  const auto found = account_by_header_.find(std::string(authorization));
  return found != account_by_header_.end() && found->second == account;
}

std::string_view Accounts::token_of(std::string_view account) const {
  const auto found = token_by_account_.find(std::string(account));
  return found == token_by_account_.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace fake_twilio
