#pragma once

#include "pg/base/pg_api.hpp"
#include "pg/messages/claims.hpp"

namespace coach_sms {

// As whom an org sends now; texts in the current memory context, "" where there is none.
struct OrgRoute {
  pg_uuid_t org_id;
  char* account_sid;
  char* token;  // UTF-8, a secret: wipe_route() when done
  char* messaging_service_sid;
  char* from;
  char* version;           // of the settings row, as OrgRules has it
  TimestampTz held_until;  // disabled, paused or not usable: not before this time
  const char* why_held;    // static; nullptr where it is not held
  bool lacks_only_sender;  // which a message may bring itself
  TimestampTz told_until;  // DT_NOEND: nobody knows when it ends
  bool is_trouble;         // it does not pass by itself
};

// What one claimed message may do, as of the snapshot of the check.
enum class Verdict {
  kSend,
  kPutBack,   // the org is held, or its account changed since the claim
  kWithdraw,  // for good, with a reason
};

struct Checked {
  Verdict verdict;
  const char* reason;  // error_code of a withdrawal, held_for of a put-back; static, or nullptr
  TimestampTz when;    // of a put-back
  OrgRoute* route;
};

// The last look before anything leaves: suppression, expiry, pause, settings and mode, with a
// snapshot taken after the claim was committed. Whatever was acknowledged before it wins. Fills
// one `checked` for each of the claimed. Needs SPI.
void check_claimed(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked);

// The bookings that the claimed are about, as they are now: one that was moved, cancelled or
// deleted takes its text along. Where they must not be read now, their texts wait. Needs SPI.
void check_bookings(const Claimed* claimed, int count, bool unreadable, Checked* checked);

// The same for an org alone: a list search needs no permission but an account.
OrgRoute* find_route(const pg_uuid_t& org_id);

void wipe_route(OrgRoute* route);

}  // namespace coach_sms
