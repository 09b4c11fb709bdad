#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// How often a held org is looked at again, should no change of its settings wake the sender.
inline constexpr int64 kLookAgainIn = INT64CONST(60) * USECS_PER_SEC;

// As whom an org sends now; texts in the current memory context, "" where there is none.
struct OrgRoute {
  pg_uuid_t org_id;
  char* account_sid;
  char* token;  // UTF-8, a secret: wipe_route() when done
  char* messaging_service_sid;
  char* from;
  char* version;            // of the settings row, as OrgRules has it
  TimestampTz held_until;   // disabled, paused or not usable: not before this time
  const char* why_held;     // static; nullptr where it is not held
  bool lacks_only_sender;   // which a message may bring itself
  TimestampTz shown_until;  // DT_NOEND: nobody knows when it ends
  bool is_trouble;          // it does not pass by itself
};

// Returns the org's route as of now. The sandbox needs no token, and checks neither account nor
// sender. Needs SPI.
OrgRoute* find_route(const pg_uuid_t& org_id, bool needs_token);

void wipe_route(OrgRoute* route);

}  // namespace coach_sms
