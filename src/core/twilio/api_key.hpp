#pragma once

#include <cctype>
#include <cstddef>
#include <optional>
#include <string_view>

namespace coach_sms {

// A Twilio API key in place of an account's auth token (Twilio docs, "API keys"). It gives user and
// password of a request; the path still names the account. Twilio signs nothing with it.
struct ApiKey {
  std::string_view sid;
  std::string_view secret;
};

// Returns the key, as views into `token`, if that is "SK" and 32 hex digits, a colon and the
// secret; nullopt for any other token.
inline std::optional<ApiKey> api_key_in(std::string_view token) {
  constexpr std::size_t kSidLength = 34;
  if (token.size() <= kSidLength + 1 || token.substr(0, 2) != "SK" || token[kSidLength] != ':')
    return std::nullopt;
  for (const char c : token.substr(2, kSidLength - 2))
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
  return ApiKey{token.substr(0, kSidLength), token.substr(kSidLength + 1)};
}

}  // namespace coach_sms
