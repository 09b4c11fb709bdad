#include "gateway/called_url.hpp"

#include <optional>

#include "core/base/url.hpp"

namespace coach_sms {

std::string called_url(std::string_view host, std::string_view forwarded_proto,
                       std::string_view target) {
  std::string origin(forwarded_proto == "https" ? "https://" : "http://");
  origin += host;
  const std::optional<UrlParts> parts = split_url(origin);
  const bool is_host = parts && is_web_url(*parts) && parts->user_info.empty() &&
                       parts->path.empty() && parts->query.empty();
  return (is_host ? origin : std::string()) + std::string(without_fragment(target));
}

std::string_view path_of(std::string_view target) noexcept {
  return target.substr(0, target.find_first_of("?#"));
}

}  // namespace coach_sms
