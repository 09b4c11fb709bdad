#include "core/crypto/payload_hash.hpp"

#include <openssl/sha.h>

#include <cstdint>
#include <string>

#include "core/base/error.hpp"

namespace coach_sms {

PayloadHash payload_hash(std::initializer_list<std::string_view> parts) {
  std::string framed;
  for (std::string_view part : parts) {
    framed += std::to_string(part.size());
    framed += ':';
    framed += part;
  }
  PayloadHash hash{};
  if (SHA256(reinterpret_cast<const unsigned char*>(framed.data()), framed.size(), hash.data()) ==
      nullptr)
    throw Error(ErrorKind::kInternal, "could not compute a SHA-256 hash");
  return hash;
}

}  // namespace coach_sms
