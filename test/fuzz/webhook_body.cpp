#include "core/base/rapidjson.hpp"
#include "core/webhook/callback.hpp"
#include "core/webhook/form.hpp"
#include "core/webhook/opt_out_keywords.hpp"
#include "fuzz.hpp"

// The body of a call to the webhook.
FUZZ_TARGET(webhook_body) {
  return coach_sms::fuzz_one(data, size, [](std::string_view body) {
    using namespace coach_sms;
    const FormParams params = parse_form(body);
    const Webhook webhook = read_webhook(params);
    if (webhook.kind == WebhookKind::kInbound)
      read_keyword(webhook.inbound.body, webhook.inbound.opt_out_type);
    rapidjson::Document kept;
    const std::string json = form_to_json(params);
    kept.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
        json.c_str());
    require(kept.IsObject());  // jsonb must take it
  });
}
