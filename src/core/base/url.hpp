#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace coach_sms {

inline constexpr std::size_t kMaxUrlSize = 8192;  // bytes, of a URL that came from outside

// The parts of a URL, byte for byte: one behind the other they are the URL again. libcurl's URL API
// would write host, port and path anew, and Twilio signs the bytes.
struct UrlParts {
  std::string_view scheme;     // with "://"
  std::string_view user_info;  // with "@", or empty
  std::string_view host;       // an IPv6 address with its brackets
  std::string_view port;       // with ":", or empty
  std::string_view path;       // empty, or begins with "/"
  std::string_view query;      // with "?", or empty
};

// Returns the part of a URL that travels: a fragment holds Twilio's connection overrides
// (#rc=5&rp=all) and is neither sent nor signed.
std::string_view without_fragment(std::string_view url) noexcept;

// Splits a URL without fragment by its delimiters alone; nothing where no "://" is in front of the
// query.
std::optional<UrlParts> split_url(std::string_view url) noexcept;

// Whether the scheme is http or https, the host can be one (WHATWG URL standard, section 3.5) and
// the port is up to five digits. A colon alone is a port, too.
bool is_web_url(const UrlParts& url) noexcept;

bool is_https(const UrlParts& url) noexcept;

}  // namespace coach_sms
