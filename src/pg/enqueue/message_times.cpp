#include "pg/enqueue/message_times.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_check_times);
}

using namespace coach_sms;

namespace {

// A booking is rarely made more than a year ahead. A later time is mostly a mistake in the unit.
constexpr int64 kFarthest = INT64CONST(366) * USECS_PER_DAY;
// A late message is allowed, for example from a queue that was down. A longer delay is mostly a
// mistake.
constexpr int64 kLatest = INT64CONST(1) * USECS_PER_DAY;

}  // namespace

bool coach_sms::check_times(TimestampTz scheduled_for, const TimestampTz* expires_at,
                            Failure* failure) {
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  if (scheduled_for > now + kFarthest)  // infinity, too; -infinity is too far back
    fail(failure, kBadTime, "A message can be scheduled at most 366 days ahead.",
         "Check the date, or enqueue it later.", "scheduled_for %s is too far in the future",
         timestamptz_to_str(scheduled_for));
  else if (scheduled_for < now - kLatest)
    fail(failure, kBadTime, "A message can be scheduled at most one day back.",
         "Leave scheduled_for out, or give NULL, to send now.",
         "scheduled_for %s is too far in the past", timestamptz_to_str(scheduled_for));
  else if (expires_at != nullptr && *expires_at <= scheduled_for)
    fail(failure, kBadTime, "A message must have some time between scheduled_for and expires_at.",
         "Give an expires_at after scheduled_for.", "expires_at %s is not after scheduled_for",
         timestamptz_to_str(*expires_at));
  else if (expires_at != nullptr && *expires_at <= now)
    fail(failure, kBadTime, "It would expire before it could be sent.",
         "Give an expires_at in the future.", "expires_at %s is in the past",
         timestamptz_to_str(*expires_at));
  return !failure->failed;
}

// coach_sms_check_times(scheduled_for, expires_at): raises SM010 unless the times are valid
Datum coach_sms_check_times(PG_FUNCTION_ARGS) {
  const TimestampTz expires_at = PG_ARGISNULL(1) ? 0 : PG_GETARG_TIMESTAMPTZ(1);
  Failure failure;
  check_times(PG_GETARG_TIMESTAMPTZ(0), PG_ARGISNULL(1) ? nullptr : &expires_at, &failure);
  raise_if(failure);
  PG_RETURN_VOID();
}
