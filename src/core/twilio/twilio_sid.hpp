#pragma once

#include <string_view>

#include "core/base/ascii.hpp"

namespace coach_sms {

// Returns whether `sid` can be a SID of Twilio's: a prefix of two letters that gives its kind, then
// 32 hex digits.
inline bool is_sid(std::string_view sid, std::string_view prefix) noexcept {
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  return sid.size() == prefix.size() + 32 && sid.starts_with(prefix) &&
         sid.find_first_not_of(kHex, prefix.size()) == std::string_view::npos;
}

// Returns the same for a SID of any kind: two capitals, then 32 hex digits.
inline bool is_sid(std::string_view sid) noexcept {
  return sid.size() == 34 && is_upper(sid[0]) && is_upper(sid[1]) && is_sid(sid, sid.substr(0, 2));
}

inline constexpr std::string_view kAccountSid = "AC";
inline constexpr std::string_view kServiceSid = "MG";

}  // namespace coach_sms
