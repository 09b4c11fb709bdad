#pragma once

#include "pg/base/pg_api.hpp"
#include "pg/messages/claims.hpp"
#include "pg/sender/org_route.hpp"

namespace coach_sms {

// What one claimed message may do, as of the snapshot of the check.
enum class Verdict {
  kSend,
  kRequeue,  // the org is held, or its account changed since the claim
  kCancel,   // for good, with a reason
};

struct Checked {
  Verdict verdict;
  const char* reason;  // error_code of kCancel, held_for of kRequeue; static, or nullptr
  TimestampTz when;    // of kRequeue
  OrgRoute* route;
};

// The pre-send check, before anything leaves: suppression, expiry, pause, settings and mode, with a
// snapshot taken after the claim was committed. Whatever was acknowledged before it wins. Fills
// one `checked` for each of the claimed. Needs SPI.
void check_claimed(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked);

// The bookings that the claimed are about, as they are now: one that was moved, cancelled or
// deleted takes its text along. Where they must not be read now, their texts wait. Needs SPI.
void check_bookings(const Claimed* claimed, int count, bool unreadable, Checked* checked);

}  // namespace coach_sms
