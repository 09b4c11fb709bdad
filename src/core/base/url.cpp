#include "core/base/url.hpp"

#include <algorithm>

#include "core/base/ascii.hpp"

namespace coach_sms {
namespace {

constexpr auto kNone = std::string_view::npos;

bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  return !host.empty() && host.find_first_of(" #/:<>?@[\\]^|%\x7F") == kNone &&
         std::none_of(host.begin(), host.end(), is_c0_control);
}

bool is_port(std::string_view port) {
  return port.size() <= 6 && port.find_first_not_of("0123456789", 1) == kNone;
}

}  // namespace

std::string_view without_fragment(std::string_view url) noexcept {
  return url.substr(0, url.find('#'));
}

std::optional<UrlParts> split_url(std::string_view url) noexcept {
  const std::size_t scheme_end = url.substr(0, url.find('?')).find("://");
  if (scheme_end == kNone) return std::nullopt;
  UrlParts parts;
  parts.scheme = url.substr(0, scheme_end + 3);
  url.remove_prefix(parts.scheme.size());
  std::string_view authority = url.substr(0, url.find_first_of("/?"));
  url.remove_prefix(authority.size());
  parts.path = url.substr(0, url.find('?'));
  parts.query = url.substr(parts.path.size());
  // The last "@" ends the user info. A colon inside the brackets of an IPv6 address begins no port.
  parts.user_info = authority.substr(0, authority.rfind('@') + 1);
  authority.remove_prefix(parts.user_info.size());
  const std::size_t bracket = authority.rfind(']');
  parts.host = authority.substr(0, authority.find(':', bracket == kNone ? 0 : bracket));
  parts.port = authority.substr(parts.host.size());
  return parts;
}

bool is_https(const UrlParts& url) noexcept {
  return equals_ignoring_case(url.scheme, "https://");
}

bool is_web_url(const UrlParts& url) noexcept {
  return (is_https(url) || equals_ignoring_case(url.scheme, "http://")) && is_host(url.host) &&
         is_port(url.port);
}

}  // namespace coach_sms
