#include "core/twilio/status_callback.hpp"

namespace coach_sms {

std::string status_callback_url(std::string_view public_url, const CallbackTarget& target) {
  const std::string_view sent = public_url.substr(0, public_url.find('#'));
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
