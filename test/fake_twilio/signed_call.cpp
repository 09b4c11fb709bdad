#include "signed_call.hpp"

#include "text.hpp"

namespace fake_twilio {

SignedCall sign_call(std::string_view token, std::string_view url,
                     const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  SignedCall call;
  call.url = url.substr(0, url.find('#'));
  std::string text = call.url;
  for (const auto& [name, value] : fields) {
    text.append(name).append(value);
    if (!call.body.empty()) call.body += '&';
    call.body.append(name).append("=");
    append_percent(call.body, value);
  }
  call.signature = base64(hmac_sha1(token, text));
  return call;
}

}  // namespace fake_twilio
