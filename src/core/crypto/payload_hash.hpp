#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace coach_sms {

using PayloadHash = std::array<unsigned char, 32>;

// Returns the SHA-256 over the parts in order, each with its length before it: no two lists of
// parts give the same input. The hash is stored with an idempotency key, to compare a repeated
// call. Throws kInternal where OpenSSL fails.
PayloadHash payload_hash(std::initializer_list<std::string_view> parts);

}  // namespace coach_sms
