#include "pg/sender/duties.hpp"

#include <algorithm>

#include "pg/base/statement.hpp"
#include "pg/sender/sender_steps.hpp"

// The duty of retention: batches and the pauses between them, so that deleting takes a tenth of the
// sender's time at most. sql/install/60_upkeep/40_retention.sql has the rows and their order.

namespace coach_sms {

namespace {

constexpr int kAtOnce = 500;
constexpr int kPart = 10;
constexpr int64 kShortestPause = USECS_PER_SEC / 10;
constexpr int64 kPauseAfterPass = 10 * USECS_PER_MINUTE;

struct {
  pg_uuid_t behind;  // the org whose old messages are pruned next
  TimestampTz again_at;
} pruning;

// Returns the transaction before which every commit is visible to all snapshots in use.
TransactionId seen_by_all() {
  const Oid keys = get_relname_relid("sms_idempotency_keys", current_schema());
  Relation relation = table_open(keys, AccessShareLock);
  const TransactionId horizon = GetOldestNonRemovableTransactionId(relation);
  table_close(relation, AccessShareLock);
  return horizon;
}

void prune_batch(void* state) {
  static Statement prune{"SELECT @internal@.sms_prune_next($1, $2, $3)",
                         {INT4OID, XIDOID, UUIDOID}};
  auto* sender = static_cast<Sender*>(state);
  const TimestampTz begin_at = GetCurrentTimestamp();
  pruning.again_at = begin_at + USECS_PER_MINUTE;  // if this batch fails
  if (sender->mode == Mode::kNotArmed) return;
  prune.run(kAtOnce, seen_by_all(), pruning.behind);
  bool at_end;
  datum_column(0, 1, &at_end);
  pruning.behind = uuid_column(0, 1);  // all zero at the end: begin with the first org again
  const int64 pause = at_end
                          ? kPauseAfterPass
                          : std::max(kShortestPause, pause_after(begin_at, kPart, kPauseAfterPass));
  pruning.again_at = GetCurrentTimestamp() + pause;
}

void begin() {
  pruning = {};
}

TimestampTz next_at(const Sender&, TimestampTz) {
  return pruning.again_at;
}

bool run(Sender* sender) {
  step(sender, kRetentionDuty.name, prune_batch);
  return true;
}

void clock_set_back(Sender*, TimestampTz now) {
  pruning.again_at = now;
}

}  // namespace

const Duty kRetentionDuty{"pruning", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
