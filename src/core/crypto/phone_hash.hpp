#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// What stands in a list in place of an erased person's number: "hash:" and HMAC-SHA256 under the
// database's salt, in hex. Stored: it may not change. Throws Error kInternal where OpenSSL fails.
std::string phone_hash(std::string_view salt, std::string_view phone);

}  // namespace coach_sms
