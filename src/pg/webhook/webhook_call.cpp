#include "core/twilio/channel_address.hpp"
#include "core/webhook/opt_out_keywords.hpp"

#include "pg/webhook/webhook_call.hpp"

#include "pg/base/soft_input.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

// Converts clean UTF-8 to the database's encoding without an error: '?' replaces what does not fit.
char* in_database_encoding(char* utf8) {
  const int encoding = GetDatabaseEncoding();
  if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII) return utf8;
  const Oid conversion = FindDefaultConversionProc(PG_UTF8, encoding);
  const auto length = static_cast<int>(strlen(utf8));
  const int room = length * MAX_CONVERSION_GROWTH + MAX_CONVERSION_GROWTH + 1;
  auto* result = static_cast<char*>(palloc(static_cast<Size>(room)));
  char* end = result;
  for (int at = 0; at < length;) {
    auto* rest = reinterpret_cast<unsigned char*>(utf8) + at;
    *end = '\0';
    if (OidIsValid(conversion))
      at += pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, rest, length - at,
                                          reinterpret_cast<unsigned char*>(end),
                                          room - static_cast<int>(end - result), true);
    end += strlen(end);
    if (at == length) break;
    *end++ = '?';
    at += pg_utf_mblen(reinterpret_cast<unsigned char*>(utf8) + at);
  }
  *end = '\0';
  return result;
}

void read_status(const StatusCallback& callback, bool has_target, WebhookCall* call) {
  call->sid = copy_out(callback.message_sid);
  call->messaging_service_sid = copy_out(callback.messaging_service_sid);
  if (!has_target) call->our_number = copy_out(sender_of(callback.from));
  call->status = copy_out(callback.message_status);
  call->error_code = copy_out(callback.error_code);
  call->error_message = copy_out(callback.error_message);
  call->dedupe_key = copy_out(dedupe_key(callback));
}

void read_inbound(const InboundMessage& message, WebhookCall* call) {
  call->sid = copy_out(message.message_sid);
  call->messaging_service_sid = copy_out(sender_of(message.messaging_service_sid));
  call->our_number = copy_out(sender_of(message.to));
  call->from = copy_out(number_of(message.from));
  call->keyword = keyword_name(read_keyword(message.body, message.opt_out_type));
  call->dedupe_key = copy_out(dedupe_key(message));
}

}  // namespace

bool read_webhook_call(const char* url, const char* body, WebhookCall* call) {
  char* org = nullptr;
  char* message = nullptr;
  *call = {};
  char** const texts[] = {&call->sid,        &call->account_sid,   &call->messaging_service_sid,
                          &call->our_number, &call->from,          &call->status,
                          &call->error_code, &call->error_message, &call->payload,
                          &call->dedupe_key, &call->why_other};
  const Failure failure = run_cpp([&] {
    const FormParams params = parse_form(body);
    const Webhook webhook = read_webhook(params);
    call->kind = webhook.kind;
    call->account_sid = copy_out(webhook.account_sid);
    call->why_other = copy_out(webhook.why_other);
    const auto target = read_callback_target(url);
    if (target) {
      org = copy_out(target->org_id);
      message = copy_out(target->message_id);
    }
    if (webhook.kind == WebhookKind::kStatus) read_status(webhook.status, target.has_value(), call);
    if (webhook.kind == WebhookKind::kInbound) read_inbound(webhook.inbound, call);
    call->payload = copy_out(form_to_json(params));
  });
  if (failure.failed && failure.sqlstate == kBadArgument) return false;
  raise_if(failure);
  for (char** text : texts)
    *text = *text != nullptr ? in_database_encoding(*text) : pstrdup("");
  call->has_target = call->kind != WebhookKind::kInbound && org != nullptr &&
                     parse_uuid(org, &call->org_id) && parse_uuid(message, &call->message_id);
  return true;
}

}  // namespace coach_sms
