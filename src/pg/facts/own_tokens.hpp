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

// Returns the org's tokens by its row of sms_settings, or by its id.
OwnTokens own_tokens_of(const Row& row);
OwnTokens own_tokens_of(const pg_uuid_t& org_id);

}  // namespace coach_sms
