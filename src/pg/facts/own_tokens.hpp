#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// The sealed tokens of the account that an org names as its own. They sign for the org, and the org
// sends with the first. Both are nullptr where the server's tokens count: for an org without an
// account or without a token of its own. Palloc'ed.
struct OwnTokens {
  char* sealed;
  char* second;  // the other token during a rotation; nullptr: none
};

// Returns the org's tokens by its row of sms_settings.
OwnTokens own_tokens_of(const Row& row);
// Finds the org's tokens by its id. Returns false for an org without settings.
bool find_own_tokens(const pg_uuid_t& org_id, OwnTokens* tokens);

}  // namespace coach_sms
