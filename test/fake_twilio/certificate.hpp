#pragma once

#include <string>

namespace fake_twilio {

// What a TLS server shows: its certificate and key, both PEM.
struct TlsIdentity {
  std::string certificate;
  std::string key;
};

// A certificate for localhost and the loopback addresses, signed by a private CA that clients
// find in `directory`/ca.pem. The same directory gives the same identity again, so that a fake
// may be restarted under clients that have read the CA. The CA's own key is never written.
// Throws std::runtime_error.
TlsIdentity tls_identity(const std::string& directory);

}  // namespace fake_twilio
