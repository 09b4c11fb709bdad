#include <algorithm>

#include "core/twilio/api_key.hpp"
#include "core/webhook/public_url.hpp"
#include "core/webhook/signature.hpp"

#include "pg/webhook/webhook_auth.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/facts/own_tokens.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"
#include "pg/tables/definitions.hpp"
#include "pg/webhook/webhook_log.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kMostOrgs = 5;                      // the LIMIT of of_account_sql()
constexpr int kMostTokens = 2 * (kMostOrgs + 1);  // two of each org and two of the server

// --- tokens to try ------------------------------------------------------------------------------

struct Candidate {
  bool is_org;
  pg_uuid_t org_id;
  char* sealed;    // the org's own token
  bool is_second;  // which of the server's
};

// The orgs that sent the SID come first. Next come those of the account that send with the number
// or service, since several orgs may share an account. For a text from a person only the account
// counts.
template <std::size_t Size>
constexpr auto of_account_sql(const char (&has_number)[Size]) {
  return join_sql(R"sql(
      WITH sent AS (
        SELECT org_id FROM @extschema@.sms_attempts WHERE provider_message_id = nullif($1, ''))
      SELECT s.org_id FROM @extschema@.sms_settings s
       WHERE s.org_id IN (SELECT org_id FROM sent) OR s.twilio_account_sid = nullif($2, '')
       ORDER BY s.org_id IN (SELECT org_id FROM sent) DESC,
                coalesce(s.twilio_messaging_service_sid = nullif($3, '') OR)sql",
                  has_number, R"sql(, false) DESC,
                s.org_id LIMIT 5)sql");
}

struct OrgTokens {
  pg_uuid_t org_id;
  OwnTokens tokens;
};

int read_target(const WebhookCall& call, OrgTokens (&orgs)[kMostOrgs]) {
  int count = 0;
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(call.org_id)}},
            [&](const Row& row) {
              orgs[count++] = {call.org_id, own_tokens_of(row)};
            });
  return count;
}

int read_account(const WebhookCall& call, OrgTokens (&orgs)[kMostOrgs]) {
  static constexpr auto kOfAccount = of_account_sql(R"sql(
                @internal@.sms_sender_address(s.twilio_phone_number, s.default_region)
                = @internal@.sms_sender_address(nullif($4, '')))sql");
  static constexpr auto kOfAccountIn010 = of_account_sql(R"sql(
                s.twilio_phone_number = nullif($4, ''))sql");
  static Statement of_account{kOfAccount.data(), {TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
  static Statement of_account_in_0_1_0{kOfAccountIn010.data(),
                                       {TEXTOID, TEXTOID, TEXTOID, TEXTOID}};
  const char* sid = call.kind == WebhookKind::kInbound ? "" : call.sid;
  Statement& statement = has_internal_schema() ? of_account : of_account_in_0_1_0;
  const uint64 rows =
      statement.run(sid, call.account_sid, call.messaging_service_sid, call.our_number);
  int count = 0;
  for (uint64 row = 0; row < std::min<uint64>(rows, kMostOrgs); ++row) {
    OrgTokens& org = orgs[count];
    org.org_id = uuid_column(row, 1);
    if (find_own_tokens(org.org_id, &org.tokens)) ++count;
  }
  return count;
}

int find_candidates(const WebhookCall& call, Candidate (&candidates)[kMostTokens]) {
  OrgTokens orgs[kMostOrgs];
  const int found = call.has_target ? read_target(call, orgs) : read_account(call, orgs);
  const char* server_account = settings::twilio_account_sid();
  bool server = !call.has_target && server_account[0] != '\0' &&
                strcmp(call.account_sid, server_account) == 0;
  int count = 0;
  for (int i = 0; i < found; ++i) {
    const OrgTokens& org = orgs[i];
    if (org.tokens.sealed == nullptr)
      server = true;
    else
      candidates[count++] = {true, org.org_id, org.tokens.sealed, false};
    if (org.tokens.second != nullptr)
      candidates[count++] = {true, org.org_id, org.tokens.second, true};
  }
  if (server) candidates[count++] = {};
  if (server) candidates[count++] = {false, {}, nullptr, true};  // it may be missing
  return count;
}

char* open_candidate(const Candidate& candidate, Failure* failure) {
  if (candidate.is_org) return open_token(candidate.org_id, candidate.sealed, failure);
  return candidate.is_second ? second_server_token(failure) : server_token(failure);
}

// Returns the index of the token that made the signature, or -1. All tokens are open before this
// call, and without any the signature is computed all the same. So the time of a refusal reveals
// little to a stranger.
int find_token(char* const* tokens, int count, const SignedCall& call) {
  int found = -1;
  // A failure here (memory, OpenSSL) proves nothing, and finds no token.
  (void)run_cpp([&] {
    for (const auto& url : possibly_called_urls(call.url, settings::public_url)) {
      const auto texts = signable_texts(url, call.body, "");
      if (count == 0) (void)is_signed_with("nobody's", texts, call.signature);
      for (int i = 0; i < count && found < 0; ++i)
        if (tokens[i] != nullptr && !api_key_in(tokens[i]) &&
            is_signed_with(tokens[i], texts, call.signature))
          found = i;
      if (found >= 0) return;
    }
  });
  return found;
}

// --- for whom a token speaks --------------------------------------------------------------------

enum class Token { kSame, kOther, kNoneToCompare };

// Compares the token with `with` and wipes it. An API key signs nothing, and a token that does not
// open may be any; both are kNoneToCompare.
Token compare(char* token, const char* with) {
  if (token == nullptr) return Token::kNoneToCompare;
  bool is_key = false;
  (void)run_cpp([&] { is_key = api_key_in(token).has_value(); });
  const bool same = strcmp(token, with) == 0;
  wipe_token(token);
  return same ? Token::kSame : is_key ? Token::kNoneToCompare : Token::kOther;
}

bool is_servers(const char* token) {
  Failure failure;
  return compare(server_token(&failure), token) == Token::kSame ||
         compare(second_server_token(&failure), token) == Token::kSame;
}

Token token_of(const pg_uuid_t& org_id, const OwnTokens& own, const char* signing) {
  Failure failure;
  const Token first = compare(open_token(org_id, own.sealed, &failure), signing);
  if (first == Token::kSame || own.second == nullptr) return first;
  const Token other = compare(open_token(org_id, own.second, &failure), signing);
  return other == Token::kNoneToCompare ? first : other;
}

// Finds the orgs for which the token of a text from a person speaks. Any org can name any account
// SID; only a matching token proves that the account is its own. A STOP also counts for orgs whose
// token cannot be compared, a START does not.
void find_orgs_spoken_for(const WebhookCall& call, const char* token, Verification* verification) {
  static Statement of_account{R"sql(
      SELECT org_id FROM @extschema@.sms_settings
       WHERE twilio_account_sid = nullif($1, '') ORDER BY org_id)sql",
                              {TEXTOID}};
  const bool is_stop = call.keyword != nullptr && strcmp(call.keyword, "STOP") == 0;
  const uint64 rows = of_account.run(call.account_sid);
  auto* orgs = static_cast<Datum*>(palloc(sizeof(Datum) * (rows + 1)));
  auto* uncertain = static_cast<Datum*>(palloc(sizeof(Datum) * (rows + 1)));
  int count = 0;
  int uncertain_count = 0;
  bool disputed = false;
  bool is_servers_account = strcmp(call.account_sid, settings::twilio_account_sid()) == 0;
  bool is_null;
  for (uint64 row = 0; row < rows; ++row) {
    const pg_uuid_t org_id = uuid_column(row, 1);
    OwnTokens own{};
    if (!find_own_tokens(org_id, &own)) continue;
    if (own.sealed == nullptr) {  // it sends with the server's token
      is_servers_account = true;
      continue;
    }
    const Token its = token_of(org_id, own, token);
    if (its == Token::kSame || (is_stop && its == Token::kNoneToCompare))
      orgs[count++] = datum_column(row, 1, &is_null);
    if (its == Token::kNoneToCompare) uncertain[uncertain_count++] = datum_column(row, 1, &is_null);
    if (its == Token::kOther) disputed = true;
  }
  verification->orgs = array_of(UUIDOID, count, [&](int i, bool*) { return orgs[i]; });
  verification->uncertain =
      array_of(UUIDOID, uncertain_count, [&](int i, bool*) { return uncertain[i]; });
  if (is_servers_account && is_servers(token)) verification->signer = Signer::kServer;
  verification->whole_account =
      verification->signer == Signer::kServer || (!is_servers_account && !disputed);
  if (verification->signer != Signer::kServer && count > 0)
    verification->org_id = *DatumGetUUIDP(orgs[0]);
  if (!verification->whole_account)
    log_call("taken", "orgs that name the same Twilio account have other tokens",
             "A text from a person counts only for orgs whose token signed it. Correct "
             "twilio_account_sid or the token of the others.");
}

// Returns whether an account's token can have made the signature; logs the reason if not.
bool may_be_signed(const char* signature) {
  bool is_possible = false;
  bool is_shared_keys = false;
  (void)run_cpp([&] {
    is_possible = is_signature(signature);
    is_shared_keys = is_shared_key_signature(signature);
  });
  if (is_shared_keys)
    log_call("refused",
             "the header X-Twilio-Webhooks-Signature-Settings says that a shared key signed it, "
             "and shared keys are not supported yet",
             "Remove the shared key from the account's Webhook Rules at Twilio. Then the auth "
             "token signs.");
  else if (!is_possible)
    log_call("refused", "the header X-Twilio-Signature is missing or malformed",
             "Hand it on as it came.");
  return is_possible;
}

}  // namespace

Verification verify_call(const WebhookCall& call, const SignedCall& made) {
  Verification verification{};
  if (!may_be_signed(made.signature)) return verification;
  Candidate candidates[kMostTokens];
  char* tokens[kMostTokens] = {};
  const int count = find_candidates(call, candidates);
  Failure trouble;
  for (int i = 0; i < count; ++i) {
    Failure failure;
    tokens[i] = open_candidate(candidates[i], &failure);
    if (failure.failed) trouble = failure;
  }
  const int found = find_token(tokens, count, made);
  if (found >= 0) {
    verification.signer = candidates[found].is_org ? Signer::kOrg : Signer::kServer;
    verification.org_id = candidates[found].org_id;
    if (call.kind == WebhookKind::kInbound)
      find_orgs_spoken_for(call, tokens[found], &verification);
  }
  for (char* token : tokens)
    wipe_token(token);
  if (found >= 0) return verification;
  if (trouble.failed) {
    log_call("refused", trouble.message, trouble.hint);
    if (trouble.sqlstate != kNoSender) verification.signer = Signer::kCannotTell;
    return verification;
  }
  log_call("refused", "its signature fits no token of an org or of the server",
           "If Twilio made the call, set coach_sms.public_url to the URL that Twilio calls, and "
           "check the account's auth token.");
  return verification;
}

}  // namespace coach_sms
