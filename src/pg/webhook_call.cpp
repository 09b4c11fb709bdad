#include "core/api_key.hpp"
#include "core/keywords.hpp"
#include "core/public_url.hpp"
#include "core/signature.hpp"

#include <algorithm>

#include "pg/webhook_call.hpp"

#include "pg/secrets.hpp"
#include "pg/settings.hpp"
#include "pg/soft_input.hpp"
#include "pg/statement.hpp"

#include "pg/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kMostSigners = 12;  // five orgs and the server, each with two tokens
constexpr int kTellEvery = 60;    // seconds between two log lines of a session

// --- reading ------------------------------------------------------------------------------------

// Clean UTF-8 into the database's encoding without an error.
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

void read_status(const StatusCallback& told, WebhookCall* call) {
  call->sid = copy_out(told.message_sid);
  call->account_sid = copy_out(told.account_sid);
  call->messaging_service_sid = copy_out(told.messaging_service_sid);
  call->our_number = copy_out(told.from);
  call->status = copy_out(told.message_status);
  call->error_code = copy_out(told.error_code);
  call->error_message = copy_out(told.error_message);
  call->dedupe_key = copy_out(dedupe_key(told));
}

void read_inbound(const InboundMessage& told, WebhookCall* call) {
  call->sid = copy_out(told.message_sid);
  call->account_sid = copy_out(told.account_sid);
  call->messaging_service_sid = copy_out(told.messaging_service_sid);
  call->our_number = copy_out(told.to);
  call->from = copy_out(told.from);
  call->keyword = keyword_name(read_keyword(told.body, told.opt_out_type));
  call->dedupe_key = copy_out(dedupe_key(told));
}

// --- whose token --------------------------------------------------------------------------------

struct Candidate {
  bool is_org;
  pg_uuid_t org_id;
  char* sealed;    // the org's own token
  bool is_second;  // which of the server's
};

// An org's own; where it has none, the server's count.
#define TOKENS                                                                    \
  "CASE WHEN s.twilio_account_sid <> '' THEN s.twilio_auth_token_encrypted END,"  \
  " CASE WHEN s.twilio_account_sid <> '' AND s.twilio_auth_token_encrypted <> ''" \
  "      THEN s.twilio_second_auth_token_encrypted END"

// Those of the account that send with the number or service come first: several orgs may share it.
// For a text from a person its account alone counts: a STOP binds, and a START frees, every org of
// that account's sender.
uint64 run_candidates(const WebhookCall& call) {
  static Statement of_target{
      "SELECT s.org_id, " TOKENS " FROM @extschema@.sms_settings s WHERE s.org_id = $1", {UUIDOID}};
  static Statement of_account{
      "WITH sent AS ("
      " SELECT org_id FROM @extschema@.sms_attempts WHERE provider_message_id = nullif($1, ''))"
      " SELECT s.org_id, " TOKENS
      "  FROM @extschema@.sms_settings s"
      " WHERE s.org_id IN (SELECT org_id FROM sent) OR s.twilio_account_sid = nullif($2, '')"
      " ORDER BY s.org_id IN (SELECT org_id FROM sent) DESC,"
      "   coalesce(s.twilio_messaging_service_sid = nullif($3, '')"
      "     OR s.twilio_phone_number = nullif($4, ''), false) DESC, s.org_id LIMIT 5",
      {TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
  if (call.has_target) return of_target.run({UUIDPGetDatum(&call.org_id)});
  const char* sid = call.kind == WebhookKind::kInbound ? "" : call.sid;
  return of_account.run({CStringGetTextDatum(sid), CStringGetTextDatum(call.account_sid),
                         CStringGetTextDatum(call.messaging_service_sid),
                         CStringGetTextDatum(call.our_number)});
}

int find_candidates(const WebhookCall& call, Candidate (&candidates)[kMostSigners]) {
  const uint64 rows = run_candidates(call);
  const char* server_account = settings::twilio_account_sid();
  bool server = !call.has_target && server_account[0] != '\0' &&
                strcmp(call.account_sid, server_account) == 0;
  int count = 0;
  for (uint64 row = 0; row < rows; ++row) {
    char* sealed = text_column(row, 2);
    char* second = text_column(row, 3);
    if (sealed == nullptr)
      server = true;
    else
      candidates[count++] = {true, uuid_column(row, 1), sealed, false};
    if (second != nullptr) candidates[count++] = {true, uuid_column(row, 1), second, true};
  }
  if (server) candidates[count++] = {};
  if (server) candidates[count++] = {false, {}, nullptr, true};  // which it may not have
  return count;
}

void tell(const char* message, const char* hint) {
  static TimestampTz told_at = 0;
  const TimestampTz now = GetCurrentTimestamp();
  if (told_at != 0 && now - told_at < kTellEvery * USECS_PER_SEC) return;
  told_at = now;
  // The statement would show a person's number.
  ereport(LOG, (errmsg("a call to the webhook was refused: %s", message),
                hint[0] != '\0' ? errhint("%s", hint) : 0, errhidestmt(true)));
}

char* open_candidate(const Candidate& candidate, Failure* failure) {
  if (candidate.is_org) return open_token(candidate.org_id, candidate.sealed, failure);
  return candidate.is_second ? second_server_token(failure) : server_token(failure);
}

struct Signed {
  const char* url;
  const char* body;
  const char* signature;
};

bool is_signed_with(const char* token, const Signed& call) {
  bool found = false;
  if (api_key_in(token)) return false;
  // What fails here (memory, OpenSSL) is no proof of anything.
  (void)run_cpp([&] {
    const auto urls = possibly_called_urls(call.url, settings::public_url);
    found = std::any_of(urls.begin(), urls.end(), [&](const auto& url) {
      return validate_signature(token, url, call.body, call.signature, "");
    });
  });
  return found;
}

}  // namespace

bool read_webhook_call(const char* url, const char* body, WebhookCall* call) {
  char* org = nullptr;
  char* message = nullptr;
  *call = {};
  char** const texts[] = {&call->sid,        &call->account_sid,   &call->messaging_service_sid,
                          &call->our_number, &call->from,          &call->status,
                          &call->error_code, &call->error_message, &call->payload,
                          &call->dedupe_key};
  const Failure failure = run_cpp([&] {
    const FormParams params = parse_form(body);
    const Webhook webhook = read_webhook(params);
    call->kind = webhook.kind;
    if (webhook.kind == WebhookKind::kStatus) read_status(webhook.status, call);
    if (webhook.kind == WebhookKind::kInbound) read_inbound(webhook.inbound, call);
    call->payload = copy_out(form_to_json(params));
    if (const auto target = read_callback_target(url)) {
      org = copy_out(target->org_id);
      message = copy_out(target->message_id);
    }
  });
  if (failure.failed) return false;
  for (char** text : texts)
    *text = *text != nullptr ? in_database_encoding(*text) : pstrdup("");
  call->has_target = call->kind != WebhookKind::kInbound && org != nullptr &&
                     parse_uuid(org, &call->org_id) && parse_uuid(message, &call->message_id);
  return true;
}

Signer find_signer(const WebhookCall& call, const char* url, const char* body,
                   const char* signature, pg_uuid_t* org_id) {
  Candidate candidates[kMostSigners];
  const int count = find_candidates(call, candidates);
  Failure trouble;
  for (int i = 0; i < count; ++i) {
    const Candidate& candidate = candidates[i];
    Failure failure;
    char* token = open_candidate(candidate, &failure);
    const bool is_signer = token != nullptr && is_signed_with(token, {url, body, signature});
    wipe_token(token);
    if (failure.failed) trouble = failure;
    if (!is_signer) continue;
    *org_id = candidate.org_id;
    return candidate.is_org ? Signer::kOrg : Signer::kServer;
  }
  if (trouble.failed) {
    tell(trouble.message, trouble.hint);
    return trouble.sqlstate == kNoSender ? Signer::kNobody : Signer::kCannotTell;
  }
  tell("no token that it could be signed with fits its signature",
       "Where Twilio made the call, set coach_sms.public_url to the URL that Twilio calls, and "
       "check the account's auth token.");
  return Signer::kNobody;
}

}  // namespace coach_sms
