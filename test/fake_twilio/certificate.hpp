#pragma once

#include <string>

namespace fake_twilio {

// What a TLS server shows: its certificate and key, both PEM.
struct TlsIdentity {
  std::string certificate;
  std::string key;
};

// Returns a certificate for localhost and the loopback addresses, signed by itself: clients trust
// `directory`/ca.pem. The same directory gives the same identity again, so that a fake may be
// restarted under clients that have read the file. Throws std::runtime_error.
TlsIdentity tls_identity(const std::string& directory);

}  // namespace fake_twilio
