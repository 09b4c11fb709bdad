#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fake_twilio {

enum class CallbackMode {
  kOff,   // messages stay as they were accepted
  kHold,  // callbacks are signed and listed at /control/callbacks, never posted
  kOn,    // ... and posted, to loopback hosts only
};

// What may stand before the colon of the Authorization header: an account SID or one of its API
// keys. `account` is the account that the credential opens.
struct Credential {
  std::string account;
  std::string user;
  std::string secret;
};

struct Options {
  std::uint16_t port = 0;  // 0: any free one
  bool https = false;
  bool exit_on_stdin_eof = false;
  long delay_ms = 0;
  long list_lag_s = 0;
  CallbackMode callbacks = CallbackMode::kOn;
  std::string cert_dir = ".";
  std::string port_file;
  std::string inbound_url;  // the webhook of inbound texts
  std::vector<Credential> credentials;
  std::map<std::string, std::string, std::less<>> account_by_authorization;

  // True if this Authorization header opens that account (Twilio error 20003 if not).
  bool opens(std::string_view authorization, std::string_view account) const;
  // Returns the account's own token: callbacks are signed with it, never with a key's secret.
  std::string_view token_of(std::string_view account) const;
};

struct BadOption : std::runtime_error {
  using std::runtime_error::runtime_error;
};

extern const char* const kUsage;

// Reads the command line; throws BadOption naming the argument that it cannot use. Without
// --account there is one account, "AC" and 32 zeros, whose token is "token".
Options parse_options(int argc, char** argv);

}  // namespace fake_twilio
