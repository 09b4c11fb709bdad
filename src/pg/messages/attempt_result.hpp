#pragma once

// Results of claimed messages as plain rows. Texts are in the database's encoding.

#include "core/sending/claim.hpp"
#include "core/twilio/outcome.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The result of one request, or of the reconciliation of one. Texts may be nullptr.
struct AttemptResult : Claim {
  char* sid;
  char* error_code;
  char* error_message;
  char* request;   // JSON
  char* response;  // JSON
  int http_status;
  int duration_ms;
  int segments;      // 0: Twilio did not say
  TimestampTz when;  // due time of the next try, or time of the next search
  bool recorded;     // out: settled; false: locked by another session, try again
  // The fields below are set for a request only.
  Outcome outcome;
  int64 waited;  // microseconds until the first request; below 0: not to be counted
  bool started;  // false: no request was made, and no attempt is counted
  bool account_trouble;
  bool sender_trouble;
  bool server_trouble;
};

}  // namespace coach_sms
