#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace coach_sms {

using PayloadHash = std::array<unsigned char, 32>;

// What an idempotency key stands for: SHA-256 over the parts in order, each with its length before
// it, so that no two lists of parts look alike. Throws Error kInternal where OpenSSL fails.
PayloadHash payload_hash(std::initializer_list<std::string_view> parts);

}  // namespace coach_sms
