#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
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
  bool magic = false;  // test credentials: the magic numbers, and nothing but sending
  bool exit_on_stdin_eof = false;
  bool opt_outs = false;  // keep the block that follows STOP
  unsigned threads = 1;
  long delay_ms = 0;
  long list_lag_s = 0;
  CallbackMode callbacks = CallbackMode::kOn;
  std::string cert_dir = ".";
  std::string port_file;
  std::string inbound_url;  // the webhook of inbound texts
  std::vector<Credential> credentials;
};

struct BadOption : std::runtime_error {
  using std::runtime_error::runtime_error;
};

extern const char* const kUsage;

// Reads the command line; throws BadOption naming the argument it cannot use. Without --account
// there is one account, "AC" and 32 zeros, whose token is "token".
Options parse_options(int argc, char** argv);

}  // namespace fake_twilio
