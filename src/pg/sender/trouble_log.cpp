#include "pg/sender/trouble_log.hpp"

#include "pg/shared/shared_state.hpp"

namespace coach_sms {

namespace {

// Returns whether the last log line is a minute old; if so, the time is set to now.
bool may_log(TimestampTz* logged_at) {
  const TimestampTz now = GetCurrentTimestamp();
  if (now - *logged_at < USECS_PER_MINUTE) return false;
  *logged_at = now;
  return true;
}

void log_account_trouble(const AttemptResult& row) {
  static TimestampTz logged_at = 0;
  if (!may_log(&logged_at)) return;
  ereport(LOG, (errmsg("Twilio refuses an account's credentials: error %s", row.error_code),
                errdetail("Its messages wait; one is tried from time to time."),
                errhint("Set the right token with sms_set_twilio_credentials() or in the file "
                        "coach_sms.twilio_auth_token_file.")));
  report_error("Twilio refuses an account's credentials");
}

void log_sender_trouble(const AttemptResult& row) {
  static TimestampTz logged_at = 0;
  if (!may_log(&logged_at)) return;
  ereport(LOG, (errmsg("Twilio refuses a sender: error %s", row.error_code),
                errdetail("Its messages wait; one is tried from time to time."),
                errhint("Correct the sender in sms_settings or in the settings of the server; "
                        "sms_doctor() names it.")));
  report_error("Twilio refuses a sender");
}

void log_server_trouble(const AttemptResult& row) {
  static TimestampTz logged_at = 0;
  if (!may_log(&logged_at)) return;
  const char* text =
      psprintf("this server cannot make a connection to Twilio: %s", row.error_message);
  ereport(LOG, (errmsg("%s", text),
                errdetail("Messages wait and use up no attempt; one is tried "
                          "from time to time."),
                errhint("sms_doctor() says what to do: see its check \"trust\".")));
  report_error(text);
}

// Logs that Twilio is out of reach or overloaded, or its answers are lost. Twilio's own text may
// name a person's number, so only libcurl's text is logged.
void log_trouble(const AttemptResult& row) {
  static TimestampTz logged_at = 0;
  if (!may_log(&logged_at)) return;
  const bool answered = row.http_status != 0 || row.error_message == nullptr;
  const char* text = psprintf("requests to Twilio fail: %s%s%s", row.error_code,
                              answered ? "" : ", ", answered ? "" : row.error_message);
  ereport(LOG, (errmsg("%s", text),
                errdetail("Messages that Twilio did not take are sent again. Twilio's "
                          "list is searched for the others. Logged once a minute.")));
  report_error(text);
}

}  // namespace

void log_trouble_of(const AttemptResult& row) {
  if (row.server_trouble) return log_server_trouble(row);
  if (row.account_trouble) return log_account_trouble(row);
  if (row.sender_trouble) return log_sender_trouble(row);
  const bool failed = row.outcome == Outcome::kRetry || row.outcome == Outcome::kUnknown;
  if (failed && row.started && !row.sandbox && row.error_code != nullptr) log_trouble(row);
}

}  // namespace coach_sms
