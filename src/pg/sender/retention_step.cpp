#include "pg/sender/sender_steps.hpp"

#include "pg/base/statement.hpp"

// Retention: what is pruned, and in which order, is in sql/install/60_upkeep/40_retention.sql. Here
// are the batches and the pauses between them: deleting must not get in the way of sending.

namespace coach_sms {

namespace {

constexpr int kAtOnce = 500;
constexpr int64 kPauseInPass = USECS_PER_SEC / 10;
constexpr int64 kPauseAfterPass = 10 * USECS_PER_MINUTE;

// What a transaction before this one committed is seen by every snapshot in use.
TransactionId seen_by_all() {
  const Oid keys = get_relname_relid("sms_idempotency_keys", current_schema());
  Relation relation = table_open(keys, AccessShareLock);
  const TransactionId horizon = GetOldestNonRemovableTransactionId(relation);
  table_close(relation, AccessShareLock);
  return horizon;
}

}  // namespace

void retention_step(void* state) {
  static Statement prune{"SELECT @internal@.sms_prune_next($1, $2, $3)",
                         {INT4OID, XIDOID, UUIDOID}};
  auto* sender = static_cast<Sender*>(state);
  const TimestampTz now = GetCurrentTimestamp();
  sender->prune_again_at = now + USECS_PER_MINUTE;  // should this one fail
  if (sender->mode == Mode::kNotArmed) return;
  prune.run({Int32GetDatum(kAtOnce), TransactionIdGetDatum(seen_by_all()),
             UUIDPGetDatum(&sender->pruned_behind)});
  bool at_end;
  datum_column(0, 1, &at_end);
  sender->pruned_behind = uuid_column(0, 1);  // all zero at the end: from the first org on
  sender->prune_again_at = now + (at_end ? kPauseAfterPass : kPauseInPass);
}

}  // namespace coach_sms
