#include "core/base/url.hpp"
#include "core/text/blanks.hpp"
#include "core/webhook/form.hpp"
#include "core/webhook/signature.hpp"

#include "pg/webhook/webhook_auth.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/messages/provider_events.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/shared/shared_state.hpp"
#include "pg/webhook/webhook_log.hpp"

#include "pg/base/pg_api.hpp"

// Twilio's calls. Every call is answered with an HTTP status; only a fault of the server raises an
// error.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_twilio_webhook);
PG_FUNCTION_INFO_V1(coach_sms_validate_signature);
}

using namespace coach_sms;

namespace {

constexpr Size kMostSignature = 1024;  // bytes

// An answer never contains the reason, which would help a forger. The server's log has it.
struct Answer {
  int32 http_status;
  const char* content_type;
  const char* text;
};

constexpr Answer kTaken = {200, "text/xml", "<Response></Response>"};
constexpr Answer kBadRequest = {400, "text/plain", "bad request"};
constexpr Answer kForbidden = {403, "text/plain", "forbidden"};
constexpr Answer kTooLarge = {413, "text/plain", "too large"};
constexpr Answer kNotNow = {503, "text/plain", "not now"};

constexpr bool is_counted(const Answer& answer) {
  for (const int status : kWebhookStatuses)
    if (status == answer.http_status) return true;
  return false;
}
static_assert(is_counted(kTaken) && is_counted(kBadRequest) && is_counted(kForbidden) &&
              is_counted(kTooLarge) && is_counted(kNotNow));

bool is_larger(FunctionCallInfo fcinfo, int index, Size limit) {
  return !PG_ARGISNULL(index) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(index)) > limit;
}

// Returns whether the text is ASCII. Percent encoding leaves nothing else, and no conversion of
// ASCII can fail.
bool is_ascii(const char* text) {
  for (; *text != '\0'; ++text)
    if (IS_HIGHBIT_SET(*text)) return false;
  return true;
}

// Returns the event's key, with the org in it unless the server's token signed. So the event of one
// org's token cannot suppress an event of another org, even if it names that org's SID.
const char* dedupe_key(const WebhookCall& call, const Verification& verification) {
  if (verification.signer == Signer::kServer) return call.dedupe_key;
  return psprintf("%s:%s", call.dedupe_key, uuid_text(verification.org_id));
}

// Takes a status. A callback without a target carries its signer: its SID is searched
// among the messages of that signer.
void store_status(const WebhookCall& call, const Verification& verification) {
  ProviderEvent event{};
  event.has_message = call.has_target;
  event.has_org = verification.signer == Signer::kOrg;
  event.message_id = call.message_id;
  event.org_id = call.has_target ? call.org_id : verification.org_id;
  event.provider = "twilio";
  event.sid = call.sid;
  event.type = "status";
  event.status = call.status;
  event.error_code = call.error_code;
  event.error_message = call.error_message;
  event.payload = call.payload;
  event.dedupe_key = dedupe_key(call, verification);
  take_event(event);
}

void store_inbound(const WebhookCall& call, const Verification& verification) {
  static Statement take_text{
      "SELECT @internal@.sms_take_inbound($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDARRAYOID, BOOLOID, BOOLOID,
       UUIDARRAYOID}};
  ProviderEvent event{};
  event.has_org = verification.signer == Signer::kOrg;
  event.org_id = verification.org_id;
  event.provider = "twilio";
  event.sid = call.sid;
  event.type = "inbound";
  event.payload = call.payload;
  event.dedupe_key = dedupe_key(call, verification);
  pg_uuid_t id;
  if (!store_event(event, &id)) return;
  take_text.run(id, call.account_sid, call.our_number, call.messaging_service_sid, call.from,
                call.keyword, verification.orgs, verification.signer == Signer::kServer,
                verification.whole_account, verification.uncertain);
}

Answer take(const char* url, const char* body, const char* signature) {
  WebhookCall call;
  if (!is_ascii(url) || !is_ascii(body) || !read_webhook_call(url, body, &call)) return kBadRequest;
  if (!is_ascii(signature)) return kForbidden;
  const Verification verification = verify_call(call, {url, body, signature});
  if (verification.signer == Signer::kNobody) return kForbidden;
  if (verification.signer == Signer::kCannotTell) return kNotNow;
  switch (call.kind) {
    case WebhookKind::kStatus:
      store_status(call, verification);
      break;
    case WebhookKind::kInbound:
      store_inbound(call, verification);
      break;
    case WebhookKind::kOther:
      log_call("taken and not kept", call.why_other, "");
      break;
    case WebhookKind::kUnsure:
      log_call("refused", call.why_other,
               "Its signature also fits if the parameters are cut in another way. "
               "So the call may not come from Twilio.");
      return kForbidden;
  }
  return kTaken;
}

Answer answer_call(FunctionCallInfo fcinfo) {
  if (is_larger(fcinfo, 0, kMaxUrlSize) || is_larger(fcinfo, 1, kMaxFormSize)) return kTooLarge;
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) return kBadRequest;
  if (PG_ARGISNULL(2) || is_larger(fcinfo, 2, kMostSignature)) return kForbidden;
  const char* url = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const char* body = text_to_cstring(PG_GETARG_TEXT_PP(1));
  const char* signature = text_to_cstring(PG_GETARG_TEXT_PP(2));
  use_schema_of(fcinfo);
  SPI_connect();
  const Answer answer = take(url, body, signature);
  SPI_finish();
  return answer;
}

}  // namespace

// sms_twilio_webhook(url, body, signature) → (http_status, content_type, response): takes one call
Datum coach_sms_twilio_webhook(PG_FUNCTION_ARGS) {
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const Answer answer = answer_call(fcinfo);
  note_webhook_call(answer.http_status);
  Datum values[] = {Int32GetDatum(answer.http_status), CStringGetTextDatum(answer.content_type),
                    CStringGetTextDatum(answer.text)};
  bool nulls[] = {false, false, false};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

// sms_validate_twilio_signature(auth_token, url, body, signature, content_type) → boolean: whether
// the token made the signature. It is not STRICT: a missing header must give false, since NULL
// passes an IF NOT.
Datum coach_sms_validate_signature(PG_FUNCTION_ARGS) {
  for (int index = 0; index < 4; ++index)
    if (PG_ARGISNULL(index)) PG_RETURN_BOOL(false);
  const std::string_view auth_token = trim_blanks(utf8_view(PG_GETARG_TEXT_PP(0)));
  const std::string_view url = utf8_view(PG_GETARG_TEXT_PP(1));
  const std::string_view body = utf8_view(PG_GETARG_TEXT_PP(2));
  const std::string_view signature = utf8_view(PG_GETARG_TEXT_PP(3));
  const std::string_view content_type = PG_ARGISNULL(4) ? "" : utf8_view(PG_GETARG_TEXT_PP(4));
  bool valid = false;
  const Failure failure =
      run_cpp([&] { valid = validate_signature(auth_token, url, body, signature, content_type); });
  raise_if(failure);
  PG_RETURN_BOOL(valid);
}
