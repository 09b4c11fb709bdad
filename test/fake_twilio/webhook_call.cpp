#include "webhook_call.hpp"

namespace fake_twilio {

namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

// `fields` stand in the order of their names, as the signature wants them. Twilio's fragment
// (#ct=2000&rc=3) is for itself: neither sent nor signed.
WebhookCall sign(std::string_view token, std::string_view url, const Fields& fields) {
  WebhookCall call;
  call.url = url.substr(0, url.find('#'));
  std::string text = call.url;
  for (const auto& [name, value] : fields) {
    text.append(name).append(value);
    if (!call.body.empty()) call.body += '&';
    call.body.append(name).append("=").append(percent_encoded(value));
  }
  call.signature = base64(hmac_sha1(token, text));
  return call;
}

}  // namespace

WebhookCall status_call(std::string_view token, const Message& message, Status status,
                        long error_code) {
  const Order& order = message.order;
  const std::string code = error_code ? std::to_string(error_code) : "";
  Fields fields = {{"AccountSid", message.account},
                   {"ApiVersion", "2010-04-01"},
                   {"ErrorCode", code},
                   {"From", order.from.empty() ? kPoolNumber : order.from},
                   {"MessageSid", message.sid},
                   {"MessageStatus", name_of(status)},
                   {"MessagingServiceSid", order.service},
                   {"SmsSid", message.sid},
                   {"SmsStatus", name_of(status)},
                   {"To", order.to}};
  std::erase_if(fields, [](const auto& field) { return field.second.empty(); });
  return sign(token, order.status_callback, fields);
}

// With all the parameters that Twilio documents; geography is empty, as it often is.
WebhookCall inbound_call(std::string_view token, const InboundText& text) {
  const std::string segments = std::to_string(count_segments(text.body));
  Fields fields = {{"AccountSid", text.account},
                   {"ApiVersion", "2010-04-01"},
                   {"Body", text.body},
                   {"From", text.from},
                   {"FromCity", ""},
                   {"FromCountry", ""},
                   {"FromState", ""},
                   {"FromZip", ""},
                   {"MessageSid", text.sid}};
  if (!text.service.empty()) fields.emplace_back("MessagingServiceSid", text.service);
  fields.emplace_back("NumMedia", "0");
  fields.emplace_back("NumSegments", segments);
  if (!text.opt_out_type.empty()) fields.emplace_back("OptOutType", text.opt_out_type);
  fields.insert(fields.end(), {{"SmsMessageSid", text.sid},
                               {"SmsSid", text.sid},
                               {"SmsStatus", "received"},
                               {"To", text.to},
                               {"ToCity", ""},
                               {"ToCountry", ""},
                               {"ToState", ""},
                               {"ToZip", ""}});
  return sign(token, text.url, fields);
}

}  // namespace fake_twilio
