#include "core/webhook/signed_url.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/encoding.hpp"
#include "core/webhook/form.hpp"

namespace coach_sms {
namespace {

struct UrlParts {
  std::string scheme;     // with "://"
  std::string user_info;  // with "@", or empty
  std::string host;
  std::string port;   // with ":", or empty
  std::string path;   // empty or begins with "/"
  std::string query;  // with "?", or empty
};

constexpr std::string_view kAlphanumerics =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// What the WHATWG URL standard escapes besides control characters, space and non-ASCII.
constexpr std::string_view kEscapedInPath = "\"#<>?`{}";
constexpr std::string_view kEscapedInQuery = "\"#<>'";
// What no host may hold (there, section 3.5), besides control characters.
constexpr std::string_view kForbiddenInHost = " #/:<>?@[\\]^|%\x7F";

bool contains(std::string_view set, char character) {
  return set.find(character) != std::string_view::npos;
}

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 0x20;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

void append_escaped(std::string& text, char character) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(character);
  text += '%';
  text += kDigits[value >> 4];
  text += kDigits[value & 15];
}

bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  }
  return !host.empty() && host.find_first_of(kForbiddenInHost) == std::string_view::npos;
}

bool is_port(std::string_view port) {  // a colon alone is one, too
  return port.size() <= 6 && port.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::optional<UrlParts> split_url(std::string_view url) {
  if (url.size() > kMaxUrlSize || contains(url, '#')) return std::nullopt;
  if (std::any_of(url.begin(), url.end(), is_control)) return std::nullopt;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;

  const std::string_view scheme = url.substr(0, scheme_end + 3);
  url.remove_prefix(scheme.size());
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  const std::string_view rest = url.substr(authority.size());
  const std::string_view path = rest.substr(0, rest.find('?'));
  // The last "@" divides, and a colon begins the port only after the bracket of an IPv6 address.
  const std::string_view user_info = authority.substr(0, authority.rfind('@') + 1);
  const std::string_view host_and_port = authority.substr(user_info.size());
  const std::size_t bracket = host_and_port.rfind(']');
  const std::string_view host = host_and_port.substr(
      0, host_and_port.find(':', bracket == std::string_view::npos ? 0 : bracket));
  const std::string_view port = host_and_port.substr(host.size());

  const std::string lower_scheme = lower_case(scheme);
  if (lower_scheme != "http://" && lower_scheme != "https://") return std::nullopt;
  if (!is_host(host) || !is_port(port)) return std::nullopt;
  return UrlParts{std::string(scheme), std::string(user_info),
                  std::string(host),   std::string(port),
                  std::string(path),   std::string(rest.substr(path.size()))};
}

std::string default_port(const UrlParts& url) {
  return lower_case(url.scheme) == "https://" ? ":443" : ":80";
}

std::string join(const UrlParts& url, std::string_view port) {
  std::string text = url.scheme + url.user_info + url.host;
  text += port;
  return text + url.path + url.query;
}

std::string escape(std::string_view text, std::string_view escaped) {
  std::string result;
  for (const char character : text) {
    const auto value = static_cast<unsigned char>(character);
    if (value <= 0x20 || value >= 0x7F || contains(escaped, character)) {
      append_escaped(result, character);
    } else {
      result += character;
    }
  }
  return result;
}

// How many dots a dot segment stands for; "%2e" is a dot, too. 0 for any other segment.
int dots_in(std::string_view segment) {
  int dots = 0;
  while (!segment.empty() && dots < 3) {
    const bool is_escaped = lower_case(segment.substr(0, 3)) == "%2e";
    if (!is_escaped && segment.front() != '.') return 0;
    segment.remove_prefix(is_escaped ? 3 : 1);
    ++dots;
  }
  return dots < 3 ? dots : 0;
}

std::string normalise_path(std::string path) {
  std::replace(path.begin(), path.end(), '\\', '/');
  std::string_view rest(path);
  std::string result;
  bool ends_in_dots = true;  // so that an empty path becomes "/"
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    const int dots = dots_in(segment);
    if (dots == 0) result += '/' + escape(segment, kEscapedInPath);
    if (dots == 2) result.resize(std::min(result.rfind('/'), result.size()));
    ends_in_dots = dots > 0;
  }
  if (ends_in_dots) result += '/';
  return result;
}

// Without leading zeros, and empty where it is the scheme's own.
std::string normalise_port(const UrlParts& url) {
  std::string digits = url.port.substr(url.port.empty() ? 0 : 1);
  while (digits.size() > 1 && digits.front() == '0')
    digits.erase(0, 1);
  const std::string port = digits.empty() ? "" : ":" + digits;
  return port == default_port(url) ? "" : port;
}

// International names are left as they are: Twilio wants its callback hosts in ASCII.
UrlParts normalise(UrlParts url) {
  url.port = normalise_port(url);
  url.scheme = lower_case(url.scheme);
  url.host = lower_case(url.host);
  url.path = normalise_path(std::move(url.path));
  url.query = escape(url.query, kEscapedInQuery);
  return url;
}

// The escapes of encodeURIComponent (ECMA-262), which old back ends used.
std::string escape_component(std::string_view text) {
  std::string result;
  for (const char character : text) {
    if (contains(kAlphanumerics, character) || contains("-_.!~*'()", character)) {
      result += character;
    } else {
      append_escaped(result, character);
    }
  }
  return result;
}

// Parsed and written again. Parameters of one name come together where the first of them stood.
std::string rewrite_query(std::string_view query) {
  if (query.size() < 2) return std::string(query);
  const FormParams params = parse_form(query.substr(1), {kMaxUrlSize, kMaxUrlSize});
  std::map<std::string_view, std::size_t> places;
  std::vector<std::string> groups;
  for (const auto& [name, value] : params) {
    const auto [place, is_new] = places.try_emplace(name, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second] += '&' + escape_component(name) + '=' + escape_component(value);
  }
  std::string result;
  for (const std::string& group : groups)
    result += group;
  if (result.empty()) return "?";
  result.front() = '?';
  return result;
}

void add_port_variants(std::vector<std::string>& urls, const UrlParts& url) {
  const std::string port = url.port.empty() ? default_port(url) : url.port;
  for (const std::string& variant : {join(url, ""), join(url, port)}) {
    if (std::find(urls.begin(), urls.end(), variant) == urls.end()) urls.push_back(variant);
  }
}

}  // namespace

std::string_view without_fragment(std::string_view url) {
  return url.substr(0, url.find('#'));
}

std::vector<std::string> possibly_signed_urls(std::string_view url) {
  const std::optional<UrlParts> received = split_url(url);
  if (!received) return {};
  std::vector<std::string> urls;
  add_port_variants(urls, *received);
  UrlParts normalised = normalise(*received);
  add_port_variants(urls, normalised);
  normalised.query = rewrite_query(normalised.query);
  add_port_variants(urls, normalised);
  return urls;
}

}  // namespace coach_sms
