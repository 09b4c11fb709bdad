#include "core/webhook/public_url.hpp"

#include <algorithm>
#include <utility>

#include "core/webhook/signed_url.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kAfterScheme = "://";

// Where the path begins, or the query of a URL that has no path; 0 where there is no origin.
std::size_t end_of_origin(std::string_view url) {
  const std::string_view before_query = url.substr(0, url.find('?'));
  const std::size_t scheme = before_query.find(kAfterScheme);
  if (scheme == std::string_view::npos) return 0;
  return std::min(before_query.find('/', scheme + kAfterScheme.size()), before_query.size());
}

std::string joined(std::string_view start, std::string_view rest) {
  return std::string(start).append(rest);
}

}  // namespace

std::vector<std::string> possibly_called_urls(std::string_view received,
                                              std::string_view public_url) {
  const std::string_view url = without_fragment(received);
  const std::size_t origin = end_of_origin(url);
  std::vector<std::string> urls;
  auto add = [&urls](std::string candidate) {
    if (std::find(urls.begin(), urls.end(), candidate) == urls.end())
      urls.push_back(std::move(candidate));
  };
  if (origin > 0) add(std::string(url));
  if (public_url.empty()) return urls;
  add(joined(public_url.substr(0, end_of_origin(public_url)), url.substr(origin)));
  add(joined(public_url, url.substr(std::min(url.find('?'), url.size()))));
  return urls;
}

}  // namespace coach_sms
