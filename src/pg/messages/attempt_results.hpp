#pragma once

// Results of claimed messages as plain rows, and the arrays by which they reach a statement, one
// element a row. Needs SPI. Texts are in the database's encoding.

#include "core/twilio/outcome.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

class Statement;

// The result of one request, or of the reconciliation of one. Texts may be nullptr.
struct AttemptResult {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  int64 fence;
  char* sid;
  char* error_code;
  char* error_message;
  char* request;   // JSON
  char* response;  // JSON
  int http_status;
  int duration_ms;
  int segments;      // 0: Twilio did not say
  TimestampTz when;  // due time of the next try, or time of the next search
  int16 failures;    // attempts used up so far
  bool recorded;     // out: settled; false: locked by another session, try again
  // The fields below are set for a request only.
  Outcome outcome;
  bool started;  // false: no request was made, and no attempt is counted
  bool sandbox;
  bool account_trouble;
  bool sender_trouble;
  bool server_trouble;
};

// Results of one org and one kind. run_and_mark() sets `recorded` of each row.
struct AttemptResults {
  pg_uuid_t org_id;
  AttemptResult** rows;
  int count;
};

// Runs a statement that settles these rows and returns the ids of those that it settled, and marks
// the rows. Raises errors. Its parameters: $1 org, $2 ids, $3 fences, $4 sids, $5 error codes, $6
// error messages, $7 requests, $8 responses, $9 HTTP statuses, $10 durations (ms), $11 segments,
// $12 times, $13 failures, $14 provider, $15 attempt status.
void run_and_mark(Statement& statement, const AttemptResults& results, const char* provider,
                  const char* attempt_status);

}  // namespace coach_sms
