#include "pg/sender/duties.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/sender/sender_steps.hpp"

// The duty of usage: it adds attempts that no longer change to sms_usage, in batches.
// sql/install/60_upkeep/50_usage.sql has the sums.

namespace coach_sms {

namespace {

// Prices come by status polls, at an age of three days at most. A sender that was down for days
// polls at up to 7.1 days with the default of coach_sms.fetch_delay. No transaction with an attempt
// to commit is as old as that.
constexpr int64 kAge = 8 * USECS_PER_DAY;
constexpr int kAtOnce = 1000;
constexpr int64 kPauseInPass = USECS_PER_SEC / 10;
constexpr int64 kPauseAfterPass = USECS_PER_HOUR;

TimestampTz again_at;

void sum_up_batch(void*) {
  static Statement sum_up{"SELECT @internal@.sms_sum_up_next($1, $2)", {UUIDOID, INT4OID}};
  const TimestampTz now = GetCurrentTimestamp();
  again_at = now + USECS_PER_MINUTE;  // if this batch fails
  sum_up.run(first_uuidv7(now - kAge), kAtOnce);
  again_at = now + (int_column(0, 1) < kAtOnce ? kPauseAfterPass : kPauseInPass);
}

void begin() {
  again_at = 0;
}

// In the sandbox attempts stay as they are: it may be a database that a dump is being restored to.
TimestampTz next_at(const Sender& sender, TimestampTz) {
  return sender.mode == Mode::kLive ? again_at : DT_NOEND;
}

bool run(Sender* sender) {
  step(sender, kUsageDuty.name, sum_up_batch);
  return true;
}

void clock_set_back(Sender*, TimestampTz now) {
  again_at = now;
}

}  // namespace

const Duty kUsageDuty{"summing up usage", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
