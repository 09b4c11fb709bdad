#include "pg/messages/expiry.hpp"

#include <algorithm>

#include "pg/settings.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_ends_at);
}

using namespace coach_sms;

TimestampTz coach_sms::ends_at(TimestampTz scheduled_for, TimestampTz expires_at) {
  const int64 longest = INT64CONST(1) * settings::max_wait * USECS_PER_SEC;
  if (TIMESTAMP_NOT_FINITE(scheduled_for)) return expires_at;
  return std::min(expires_at, scheduled_for + longest);
}

// sms_ends_at(scheduled_for, expires_at) → timestamptz
Datum coach_sms_ends_at(PG_FUNCTION_ARGS) {
  const TimestampTz scheduled_for = PG_ARGISNULL(0) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(0);
  const TimestampTz expires_at = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);
  PG_RETURN_TIMESTAMPTZ(ends_at(scheduled_for, expires_at));
}
