#include "core/webhook/public_url.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/url.hpp"

namespace coach_sms {
namespace {

// Returns the length of the URL up to its path, or up to its query if it has no path. Returns 0
// where there is no origin.
std::size_t origin_size(std::string_view url) {
  const std::optional<UrlParts> parts = split_url(url);
  return parts ? url.size() - parts->path.size() - parts->query.size() : 0;
}

std::string joined(std::string_view start, std::string_view rest) {
  return std::string(start).append(rest);
}

}  // namespace

std::vector<std::string> possibly_called_urls(std::string_view received,
                                              std::string_view public_url) {
  const std::string_view url = without_fragment(received);
  const std::size_t origin = origin_size(url);
  std::vector<std::string> urls;
  auto add = [&urls](std::string candidate) {
    if (std::find(urls.begin(), urls.end(), candidate) == urls.end())
      urls.push_back(std::move(candidate));
  };
  if (origin > 0) add(std::string(url));
  if (public_url.empty()) return urls;
  add(joined(public_url.substr(0, origin_size(public_url)), url.substr(origin)));
  add(joined(public_url, url.substr(std::min(url.find('?'), url.size()))));
  return urls;
}

}  // namespace coach_sms
