#include "core/twilio/status_callback.hpp"

#include "core/base/url.hpp"

namespace coach_sms {

std::string status_callback_url(std::string_view public_url, const CallbackTarget& target) {
  const std::string_view sent = without_fragment(public_url);
  const std::string_view fragment = public_url.substr(sent.size());
  std::string url(sent);
  if (sent.find('?') == std::string_view::npos) {
    url += '?';
  } else if (sent.back() != '?' && sent.back() != '&') {
    url += '&';
  }
  url += "org=" + target.org_id + "&message=" + target.message_id +
         "&attempt=" + std::to_string(target.attempt);
  url += fragment.empty() ? "#rc=5&rp=all" : fragment;
  return url;
}

}  // namespace coach_sms
