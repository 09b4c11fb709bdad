#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace coach_sms {

inline constexpr std::size_t kMaxUrlSize = 8192;  // bytes, of a URL from outside

// The parts of a URL, as views into it. One behind the other they are the URL again, byte for byte.
// libcurl's URL API would write host, port and path anew, but Twilio signs the bytes.
struct UrlParts {
  std::string_view scheme;     // with "://"
  std::string_view user_info;  // with "@", or empty
  std::string_view host;       // an IPv6 address with its brackets
  std::string_view port;       // with ":", or empty
  std::string_view path;       // empty, or begins with "/"
  std::string_view query;      // with "?", or empty
};

// Returns the URL without its fragment, as a view. A fragment holds Twilio's connection overrides
// (#rc=5&rp=all); Twilio neither sends nor signs it.
std::string_view without_fragment(std::string_view url) noexcept;

// Splits a URL without fragment by its delimiters alone. Returns nullopt if no "://" stands before
// the query.
std::optional<UrlParts> split_url(std::string_view url) noexcept;

// Returns whether the scheme is http or https and the host can be one (WHATWG URL standard, section
// 3.5). The port may have up to five digits; a colon alone is a port, too.
bool is_web_url(const UrlParts& url) noexcept;

bool is_https(const UrlParts& url) noexcept;

}  // namespace coach_sms
