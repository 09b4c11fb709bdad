#include "core/crypto/phone_hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "core/base/encoding.hpp"
#include "core/base/error.hpp"

namespace coach_sms {

std::string phone_hash(std::string_view salt, std::string_view phone) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()),
           reinterpret_cast<const unsigned char*>(phone.data()), phone.size(), digest.data(),
           &size) == nullptr)
    throw Error(ErrorKind::kInternal, "OpenSSL refused HMAC-SHA256");
  return "hash:" + to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace coach_sms
