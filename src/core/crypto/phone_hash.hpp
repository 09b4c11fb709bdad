#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns "hash:" and, in hex, the number's HMAC-SHA256 (RFC 2104) under the database's salt. Lists
// keep it in place of an erased person's number. It is stored, so its form may not change. Throws
// kInternal where OpenSSL fails.
std::string phone_hash(std::string_view salt, std::string_view phone);

}  // namespace coach_sms
