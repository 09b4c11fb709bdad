#include "pg/webhook/webhook_log.hpp"

namespace coach_sms {

void log_call(const char* fate, const char* message, const char* hint) {
  constexpr int kLogEvery = 60;  // seconds
  static TimestampTz logged_at = 0;
  const TimestampTz now = GetCurrentTimestamp();
  if (logged_at != 0 && now - logged_at < kLogEvery * USECS_PER_SEC) return;
  logged_at = now;
  // The statement is hidden, since it contains a person's number.
  ereport(LOG, (errmsg("a call to the webhook was %s: %s", fate, message),
                hint[0] != '\0' ? errhint("%s", hint) : 0, errhidestmt(true)));
}

}  // namespace coach_sms
