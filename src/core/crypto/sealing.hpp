#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/crypto/secret.hpp"

namespace coach_sms {

// Seals an auth token for storage: AES-256-GCM (NIST SP 800-38D) with a fresh random nonce each
// time. A sealed value is text:
//
//   sms1:<key id, 8 hex digits>:<base64 of nonce (12 bytes) | ciphertext | tag (16 bytes)>
//
// The version, the key id and the context (the text of the org's UUID) are authenticated. So a
// value copied into another org's row does not open there.
//
// A failure of OpenSSL throws kInternal.

inline constexpr std::size_t kMaxSealedPlaintext = 4096;  // bytes

// The key of a key file, which holds exactly 64 hex digits and a newline.
class SealingKey {
 public:
  // Returns the key. Throws kInvalidKey for any other text, without showing it.
  static SealingKey parse(std::string_view file_contents);

  // Returns the name of the key, which is no secret: the first 8 hex digits of a SHA-256 over a
  // label and the key.
  const std::string& key_id() const noexcept { return key_id_; }
  // Returns the 32 bytes of the key, valid as long as this object.
  std::string_view bytes() const noexcept { return bytes_.view(); }

 private:
  explicit SealingKey(Secret bytes);

  Secret bytes_;
  std::string key_id_;
};

// Returns a new random key in the form that parse() takes; sms_create_key writes it.
Secret new_key_file_contents();

// Returns the sealed value. Throws kInvalidArgument above kMaxSealedPlaintext bytes.
std::string seal(const SealingKey& key, std::string_view plaintext, std::string_view context);

// Returns the plaintext. Throws kNotSealed for a value of another form, of another key, or one that
// does not open. Such a value was changed, or sealed for another context. The detail says which of
// the three it is. The error may show the key ids and nothing else of the value.
Secret open(const SealingKey& key, std::string_view sealed, std::string_view context);

// Returns whether the text has the form of a sealed value. It uses no key and proves nothing about
// the content.
bool is_sealed(std::string_view text);

// Returns the key id in a sealed value. Throws kNotSealed where is_sealed() is false.
std::string sealed_key_id(std::string_view sealed);

}  // namespace coach_sms
