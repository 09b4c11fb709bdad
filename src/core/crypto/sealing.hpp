#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/crypto/secret.hpp"

namespace coach_sms {

// Sealing an auth token for storage: AES-256-GCM (NIST SP 800-38D) with a fresh random nonce each
// time. A sealed value is text:
//
//   sms1:<key id, 8 hex digits>:<base64 of nonce (12) | ciphertext | tag (16)>
//
// Version, key id and context (the text of the org's uuid) are authenticated, so that a value
// copied into another org's row does not open there.

inline constexpr std::size_t kMaxSealedPlaintext = 4096;  // bytes

// The key, from a file of exactly 64 hex digits and a newline.
class SealingKey {
 public:
  // Throws kInvalidKey, which never shows what the file holds.
  static SealingKey parse(std::string_view file_contents);

  // Names the key without telling it: the first 8 hex digits of a SHA-256 over a label and the key.
  const std::string& key_id() const noexcept { return key_id_; }
  // The 32 bytes of the key. Valid as long as this object.
  std::string_view bytes() const noexcept { return bytes_.view(); }

 private:
  explicit SealingKey(Secret bytes);

  Secret bytes_;
  std::string key_id_;
};

// What sms_create_key writes: a new random key in the form that parse takes.
Secret new_key_file_contents();

// Throws kInvalidArgument above kMaxSealedPlaintext bytes.
std::string seal(const SealingKey& key, std::string_view plaintext, std::string_view context);

// Throws kNotSealed; the detail tells a value of another form from one of another key from one that
// does not open (changed, or sealed for another context). Nothing of the value is shown.
Secret open(const SealingKey& key, std::string_view sealed, std::string_view context);

// Whether the text has the form of a sealed value; it takes no key and proves nothing about it.
bool is_sealed(std::string_view text);

// Throws kNotSealed where is_sealed is false.
std::string sealed_key_id(std::string_view sealed);

}  // namespace coach_sms
