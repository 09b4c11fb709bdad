#pragma once

#include "pg/messages/claims.hpp"
#include "pg/sender/org_route.hpp"

namespace coach_sms {

// The verdict on a claimed message, by the snapshot of the pre-send check.
enum class Verdict {
  kSend,
  kRequeue,  // the org is held, or another fact has changed since the claim
  kCancel,   // ends the message, with a reason
};

struct Checked {
  Verdict verdict;
  const char* reason;  // error_code of kCancel, held_for of kRequeue; borrowed, or nullptr
  TimestampTz when;    // when the message is due again, for kRequeue
  OrgRoute* route;
};

// Runs the pre-send check: suppression, expiry, pause, settings and mode, by a snapshot that is
// newer than the claim's commit. So a change that was acknowledged before it counts. Fills one
// `checked` for each claim. Needs SPI.
void check_claimed(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked);

// Checks the bookings of the claimed texts: the text of a moved, cancelled or deleted booking is
// cancelled. With `unreadable`, or where a booking cannot be read, its text waits. Needs SPI.
void check_bookings(const Claimed* claimed, int count, bool unreadable, Checked* checked);

}  // namespace coach_sms
