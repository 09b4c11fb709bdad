#include "pg/sender/duties.hpp"

#include <algorithm>

#include "pg/base/ids.hpp"
#include "pg/messages/upkeep.hpp"
#include "pg/sender/promotion.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/unsettled.hpp"
#include "pg/settings.hpp"

// The duty of leases, expiry, promotions, deliveries in the sandbox, and the start of list
// searches.

namespace coach_sms {

namespace {

constexpr int kExpiredAtOnce = 2000;
constexpr int64 kPauseWhileBusy = USECS_PER_SEC;
constexpr int64 kLongestPause = 10 * USECS_PER_SEC;
constexpr int kPart = 50;  // looks for lost leases take a fiftieth of the sender's time

struct {
  TimestampTz at;
  TimestampTz leases_at;       // when to look for lost leases
  TimestampTz leases_next_at;  // the same, once the step has committed
  bool more_to_expire;
} housekeeping;

// Moves sending → unknown the claims that no sender answers for. It reads all claims. A lease lasts
// for many seconds, so it need not look each second.
void expire_lost_leases(Sender* sender) {
  const TimestampTz began_at = housekeeping.at;
  if (began_at < housekeeping.leases_at) return;
  int count = 0;
  const auto room =
      static_cast<Size>(sender->dispatch->in_hand()) + static_cast<Size>(sender->claimed_count) + 1;
  auto* ids = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * room));
  raise_if(run_cpp([&] {
    for (const Uuid& id : sender->dispatch->messages_in_hand())
      ids[count++] = to_pg(id);
  }));
  for (int i = 0; i < sender->claimed_count; ++i)
    ids[count++] = to_pg(sender->claimed[i].message);
  expire_leases(ids, count, false);
  const int64 pause = std::min(INT64CONST(1000) * settings::poll_interval, kLongestPause);
  housekeeping.leases_next_at = std::max(
      began_at + pause, GetCurrentTimestamp() + pause_after(began_at, kPart, kLongestPause));
}

void keep_house(void* state) {
  auto* sender = static_cast<Sender*>(state);
  housekeeping.at = GetCurrentTimestamp();
  if (sender->mode != Mode::kNotArmed) {
    expire_lost_leases(sender);
    housekeeping.more_to_expire = expire_waiting(kExpiredAtOnce) == kExpiredAtOnce;
    promote_next();
    deliver_in_sandbox();
    if (sender->mode == Mode::kLive) start_searches(sender);
  }
  count_unsettled();
}

void begin() {
  housekeeping = {};
  promote_anew();
}

TimestampTz next_at(const Sender& sender, TimestampTz) {
  const bool busy = sender.claimed_since_sweep || housekeeping.more_to_expire ||
                    sender.dispatch->in_hand() > 0 || has_unsettled() || has_sandbox_deliveries();
  return housekeeping.at + (busy ? kPauseWhileBusy : INT64CONST(1000) * settings::poll_interval);
}

bool run(Sender* sender) {
  if (!step(sender, kHousekeepingDuty.name, keep_house)) return true;
  housekeeping.leases_at = housekeeping.leases_next_at;
  searches_were_started(sender);
  forget_sandbox_deliveries();
  try_waiting_events_again();
  return true;
}

void clock_set_back(Sender*, TimestampTz) {
  housekeeping.at = housekeeping.leases_at = housekeeping.leases_next_at = 0;
  promote_anew();
}

}  // namespace

const Duty kHousekeepingDuty{"housekeeping", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
