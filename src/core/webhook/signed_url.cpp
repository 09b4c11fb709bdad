#include "core/webhook/signed_url.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/encoding.hpp"
#include "core/base/url.hpp"
#include "core/webhook/form.hpp"

namespace coach_sms {
namespace {

bool contains(std::string_view set, char character) {
  return set.find(character) != std::string_view::npos;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

std::optional<UrlParts> split_received(std::string_view url) {
  const bool is_refused = url.size() > kMaxUrlSize || contains(url, '#') ||
                          std::any_of(url.begin(), url.end(), is_c0_control);
  const std::optional<UrlParts> parts = is_refused ? std::nullopt : split_url(url);
  return parts && is_web_url(*parts) ? parts : std::nullopt;
}

std::string_view default_port(const UrlParts& url) {
  return is_https(url) ? ":443" : ":80";
}

std::string join(const UrlParts& url, std::string_view port) {
  std::string text;
  for (const std::string_view part :
       {url.scheme, url.user_info, url.host, port, url.path, url.query})
    text += part;
  return text;
}

// The WHATWG URL standard escapes the characters below, control characters, blanks and non-ASCII.
bool is_plain_in_path(char c) {
  return c > ' ' && c < '\x7F' && !contains("\"#<>?`{}", c);
}

bool is_plain_in_query(char c) {
  return c > ' ' && c < '\x7F' && !contains("\"#<>'", c);
}

// Returns how many dots a dot segment stands for, 1 or 2; "%2e" is a dot, too. 0 for any other
// segment.
int dots_in(std::string_view segment) {
  int dots = 0;
  while (!segment.empty() && dots < 3) {
    const bool is_escaped = equals_ignoring_case(segment.substr(0, 3), "%2e");
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
    if (dots == 0) result += '/' + percent_encode(segment, is_plain_in_path);
    if (dots == 2) result.resize(std::min(result.rfind('/'), result.size()));
    ends_in_dots = dots > 0;
  }
  if (ends_in_dots) result += '/';
  return result;
}

// Returns the port without leading zeros; empty where it is the scheme's default.
std::string normalise_port(const UrlParts& url) {
  std::string_view digits = url.port.substr(url.port.empty() ? 0 : 1);
  while (digits.size() > 1 && digits.front() == '0')
    digits.remove_prefix(1);
  const std::string port = digits.empty() ? "" : ':' + std::string(digits);
  return port == default_port(url) ? "" : port;
}

// Escapes as encodeURIComponent (ECMA-262) does, which old back ends used.
std::string escape_component(std::string_view text) {
  return percent_encode(text,
                        [](char c) { return is_alphanumeric(c) || contains("-_.!~*'()", c); });
}

// Parses the query and writes it again. Parameters of one name come together at the place of the
// first. Throws kInvalidArgument above kMaxUrlSize bytes.
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
  const std::string_view port = url.port.empty() ? default_port(url) : url.port;
  for (const std::string& variant : {join(url, ""), join(url, port)}) {
    if (std::find(urls.begin(), urls.end(), variant) == urls.end()) urls.push_back(variant);
  }
}

}  // namespace

std::vector<std::string> possibly_signed_urls(std::string_view url) {
  const std::optional<UrlParts> received = split_received(url);
  if (!received) return {};
  std::vector<std::string> urls;
  add_port_variants(urls, *received);
  // International names stay as they are: Twilio requires callback hosts in ASCII.
  const std::string scheme = lower_case(received->scheme);
  const std::string host = lower_case(received->host);
  const std::string port = normalise_port(*received);
  const std::string path = normalise_path(std::string(received->path));
  const std::string query = percent_encode(received->query, is_plain_in_query);
  UrlParts normalised{scheme, received->user_info, host, port, path, query};
  add_port_variants(urls, normalised);
  const std::string rewritten = rewrite_query(query);
  normalised.query = rewritten;
  add_port_variants(urls, normalised);
  return urls;
}

}  // namespace coach_sms
