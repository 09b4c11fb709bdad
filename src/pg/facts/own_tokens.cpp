#include "pg/facts/own_tokens.hpp"

#include "pg/base/statement.hpp"
#include "pg/tables/definitions.hpp"

// The same for SQL: sms_has_own_token(org_id).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_has_own_token);
}

namespace coach_sms {

OwnTokens own_tokens_of(const Row& row) {
  namespace column = org_settings;
  OwnTokens tokens{};
  if (row.has_text(column::kTwilioAccountSid))
    tokens.sealed = row.copy_text(column::kTwilioAuthTokenEncrypted, nullptr);
  if (tokens.sealed != nullptr)
    tokens.second = row.copy_text(column::kTwilioSecondAuthTokenEncrypted, nullptr);
  return tokens;
}

bool find_own_tokens(const pg_uuid_t& org_id, OwnTokens* tokens) {
  bool found = false;
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(org_id)}}, [&](const Row& row) {
    found = true;
    *tokens = own_tokens_of(row);
  });
  return found;
}

}  // namespace coach_sms

using namespace coach_sms;

// sms_has_own_token(org_id) → boolean; false for an org without settings
Datum coach_sms_has_own_token(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  OwnTokens tokens{};
  PG_RETURN_BOOL(find_own_tokens(*PG_GETARG_UUID_P(0), &tokens) && tokens.sealed != nullptr);
}
