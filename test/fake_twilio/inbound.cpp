#include "inbound.hpp"

#include "message.hpp"

namespace fake_twilio {

SignedCall sign_inbound(const InboundText& text, std::string_view token) {
  const std::string segments = std::to_string(count_segments(text.body));
  std::vector<std::pair<std::string_view, std::string_view>> fields = {{"AccountSid", text.account},
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
  return sign_call(token, text.url, fields);
}

}  // namespace fake_twilio
