#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// How often a held org is checked again if no change of settings wakes the sender (microseconds).
inline constexpr int64 kLookAgainIn = INT64CONST(60) * USECS_PER_SEC;

// The account, token and sender by which an org sends now. Texts are palloc'ed, "" where there is
// none.
struct OrgRoute {
  pg_uuid_t org_id;
  char* account_sid;
  char* token;  // UTF-8, a secret: call wipe_route() after use
  char* messaging_service_sid;
  char* from;
  char* version;            // of the settings row, as OrgRules has it
  int client_limit;         // max_sms_per_client_per_day; -1: none
  TimestampTz held_until;   // disabled, paused or not usable: no request before this time
  const char* why_held;     // static; nullptr where it is not held
  bool lacks_only_sender;   // and a message may name a sender of its own
  TimestampTz shown_until;  // DT_NOEND: its end is not known
  bool is_trouble;          // it does not end by itself
};

// Returns the org's route as of now, palloc'ed. Without `needs_token`, as in the sandbox, account,
// token and sender are not checked.
OrgRoute* find_route(const pg_uuid_t& org_id, bool needs_token);

// Overwrites the token.
void wipe_route(OrgRoute* route);

}  // namespace coach_sms
