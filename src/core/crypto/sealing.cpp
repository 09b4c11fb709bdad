#include "core/crypto/sealing.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/error.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kVersion = "sms1";
constexpr std::string_view kKeyIdLabel = "coach_sms key id:";
constexpr std::string_view kTokenLabel = "coach_sms token";
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kKeyIdSize = 8;  // hex digits
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kHeadSize = kVersion.size() + 1 + kKeyIdSize + 1;
constexpr std::size_t kMaxSealedSize =
    kHeadSize + (kNonceSize + kMaxSealedPlaintext + kTagSize + 2) / 3 * 4;

struct SealedParts {
  std::string_view key_id;
  std::string box;  // nonce, ciphertext, tag
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* as_bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

void require(bool worked) {
  if (!worked) throw Error(ErrorKind::kInternal, "OpenSSL refused an operation");
}

[[noreturn]] void throw_invalid_key() {
  throw Error(ErrorKind::kInvalidKey, "key file does not hold a key",
              "A key file holds exactly 64 hex digits and a newline.",
              "Make one with sms_create_key(path), or restore the right file.");
}

[[noreturn]] void throw_not_sealed(std::string detail, std::string hint) {
  throw Error(ErrorKind::kNotSealed, "cannot open the sealed value", std::move(detail),
              std::move(hint));
}

// Copies the text into a Secret and wipes the text.
Secret into_secret(std::string& text) {
  Secret secret(text);
  OPENSSL_cleanse(text.data(), text.size());
  return secret;
}

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  require(RAND_bytes(as_bytes(bytes), static_cast<int>(size)) == 1);
  return bytes;
}

std::string key_id_of(std::string_view key) {
  std::string text(kKeyIdLabel);
  text.reserve(text.size() + key.size());
  text += key;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int worked =
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  OPENSSL_cleanse(text.data(), text.size());
  require(worked == 1);
  return to_hex({reinterpret_cast<const char*>(digest.data()), kKeyIdSize / 2});
}

// Returns label, version, key id and context with colons between them. Only the context may hold a
// colon, so no two combinations give the same text.
std::string associated_data(const SealingKey& key, std::string_view context) {
  std::string text(kTokenLabel);
  text += ':';
  text += kVersion;
  text += ':';
  text += key.key_id();
  text += ':';
  text += context;
  return text;
}

bool is_key_id(std::string_view text) {
  return text.size() == kKeyIdSize &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<SealedParts> split_sealed(std::string_view text) {
  if (text.size() <= kHeadSize || text.size() > kMaxSealedSize) return std::nullopt;
  if (text.substr(0, kVersion.size()) != kVersion || text[kVersion.size()] != ':' ||
      text[kHeadSize - 1] != ':') {
    return std::nullopt;
  }
  const std::string_view key_id = text.substr(kVersion.size() + 1, kKeyIdSize);
  if (!is_key_id(key_id)) return std::nullopt;
  std::optional<std::string> box = from_base64(text.substr(kHeadSize));
  if (!box || box->size() < kNonceSize + kTagSize) return std::nullopt;
  return SealedParts{key_id, std::move(*box)};
}

SealedParts require_sealed(std::string_view text) {
  std::optional<SealedParts> parts = split_sealed(text);
  if (!parts) {
    throw_not_sealed("The value does not have the form of a sealed value.",
                     "Write the token again with sms_set_twilio_credentials.");
  }
  return std::move(*parts);
}

CipherContext new_cipher(const SealingKey& key, std::string_view nonce, std::string_view data,
                         int encrypt) {
  CipherContext cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  require(cipher != nullptr);
  require(EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, as_bytes(key.bytes()),
                            as_bytes(nonce), encrypt) == 1);
  int size = 0;
  require(EVP_CipherUpdate(cipher.get(), nullptr, &size, as_bytes(data),
                           static_cast<int>(data.size())) == 1);
  return cipher;
}

}  // namespace

SealingKey::SealingKey(Secret bytes)
    : bytes_(std::move(bytes)), key_id_(key_id_of(bytes_.view())) {}

SealingKey SealingKey::parse(std::string_view file_contents) {
  if (file_contents.size() != kKeySize * 2 + 1 || file_contents.back() != '\n') {
    throw_invalid_key();
  }
  std::optional<std::string> bytes = from_hex(file_contents.substr(0, kKeySize * 2));
  if (!bytes) throw_invalid_key();
  return SealingKey(into_secret(*bytes));
}

Secret new_key_file_contents() {
  std::string bytes = random_bytes(kKeySize);
  std::string digits = to_hex(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  const Secret key = into_secret(digits);
  std::string contents;
  contents.reserve(kKeySize * 2 + 1);  // growing would leave the digits in freed memory
  contents += key.view();
  contents += '\n';
  return into_secret(contents);
}

std::string seal(const SealingKey& key, std::string_view plaintext, std::string_view context) {
  if (plaintext.size() > kMaxSealedPlaintext) {
    throw Error(ErrorKind::kInvalidArgument, "text to seal is too long",
                "It has " + std::to_string(plaintext.size()) + " bytes, the limit is " +
                    std::to_string(kMaxSealedPlaintext) + ".",
                "A Twilio auth token has 32 characters. Check the value.");
  }
  std::string box = random_bytes(kNonceSize);
  const CipherContext cipher = new_cipher(key, box, associated_data(key, context), 1);
  box.resize(kNonceSize + plaintext.size() + kTagSize);
  unsigned char* const ciphertext = as_bytes(box) + kNonceSize;
  unsigned char* const tag = ciphertext + plaintext.size();
  int size = 0;
  require(EVP_CipherUpdate(cipher.get(), ciphertext, &size, as_bytes(plaintext),
                           static_cast<int>(plaintext.size())) == 1);
  require(EVP_CipherFinal_ex(cipher.get(), tag, &size) == 1);
  require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagSize),
                              tag) == 1);
  return std::string(kVersion) + ':' + key.key_id() + ':' + to_base64(box);
}

Secret open(const SealingKey& key, std::string_view sealed, std::string_view context) {
  SealedParts parts = require_sealed(sealed);
  if (parts.key_id != key.key_id()) {
    throw_not_sealed("It was sealed with key " + std::string(parts.key_id) +
                         ", the key file holds key " + key.key_id() + ".",
                     "Restore the key file that belongs to it, or write the token again.");
  }
  const std::string_view box(parts.box);
  const std::string_view nonce = box.substr(0, kNonceSize);
  const std::string_view ciphertext = box.substr(kNonceSize, box.size() - kNonceSize - kTagSize);
  const CipherContext cipher = new_cipher(key, nonce, associated_data(key, context), 0);
  std::string plaintext(ciphertext.size(), '\0');
  unsigned char* const tag = as_bytes(parts.box) + box.size() - kTagSize;
  int size = 0;
  const bool opened =
      EVP_CipherUpdate(cipher.get(), as_bytes(plaintext), &size, as_bytes(ciphertext),
                       static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagSize), tag) ==
          1 &&
      EVP_CipherFinal_ex(cipher.get(), as_bytes(plaintext) + ciphertext.size(), &size) == 1;
  Secret secret = into_secret(plaintext);
  if (!opened) {
    throw_not_sealed("The value was changed, or sealed for another org.",
                     "Write the token again with sms_set_twilio_credentials.");
  }
  return secret;
}

bool is_sealed(std::string_view text) {
  return split_sealed(text).has_value();
}

std::string sealed_key_id(std::string_view sealed) {
  return std::string(require_sealed(sealed).key_id);
}

}  // namespace coach_sms
