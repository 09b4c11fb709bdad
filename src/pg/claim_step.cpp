#include "pg/sender_steps.hpp"

#include "pg/clock.hpp"
#include "pg/ids.hpp"
#include "pg/settings.hpp"
#include "pg/shared_state.hpp"

// Taking what is due: a few messages from as many lanes as fill a batch.

namespace coach_sms {

namespace {

struct Order {
  pg_uuid_t org_id;
  int16 priority;
  TimestampTz after_due;
  pg_uuid_t after_id;
  int limit;
};

constexpr int kMostOrders = 1000;

int plan_claims(Sender* sender, int room, Order* orders) {
  int count = 0;
  raise_if(run_cpp([&] {
    const int64 now = unix_now_us();
    Lanes& lanes = sender->dispatch->lanes();
    std::vector<ClaimOrder> planned = lanes.next_claims(now, room);
    sender->dispatch->drop_held(&planned, now);
    for (const ClaimOrder& order : planned) {
      if (count == kMostOrders) break;
      Order& out = orders[count++];
      out.org_id = to_pg(order.lane.org);
      out.priority = static_cast<int16>(order.lane.priority);
      out.after_due = order.after.due_at == std::numeric_limits<std::int64_t>::min()
                          ? DT_NOBEGIN
                          : from_unix_us(order.after.due_at);
      out.after_id = to_pg(order.after.message);
      out.limit = order.limit;
    }
  }));
  return count;
}

void tell_lane(Sender* sender, const Order& order, int count, const Claimed* last,
               TimestampTz next_due) {
  raise_if(run_cpp([&] {
    ClaimOrder claimed;
    claimed.lane.org = to_core(order.org_id);
    claimed.lane.priority = order.priority;
    claimed.limit = order.limit;
    LanePosition position;
    if (last != nullptr) {
      position.due_at = to_unix_us(last->due_at);
      position.message = to_core(last->message_id);
    }
    sender->dispatch->lanes().claimed(claimed, count, position, to_unix_us(next_due),
                                      unix_now_us());
  }));
}

}  // namespace

// The claims of an aborted transaction never happened, but the lanes have moved on: the sweep that
// follows every failed step sets them right.
static void claim(Sender* sender) {
  int room = sender->dispatch->room();
  if (room > settings::batch_size) room = settings::batch_size;
  if (sender->claimed_count > 0 || room <= 0 || should_stop() || sender->mode == Mode::kNotArmed)
    return;
  auto* orders = static_cast<Order*>(palloc(sizeof(Order) * kMostOrders));
  const int planned = plan_claims(sender, room, orders);
  if (planned == 0) return;
  MemoryContextReset(sender->batch);
  MemoryContext turn = MemoryContextSwitchTo(sender->batch);
  auto* claimed = static_cast<Claimed*>(palloc(sizeof(Claimed) * room));
  int count = 0;
  for (int i = 0; i < planned; ++i) {
    const Order& order = orders[i];
    const int found = claim_due(order.org_id, order.priority, order.after_due, order.after_id,
                                order.limit, claimed + count);
    const Claimed* last = found > 0 ? &claimed[count + found - 1] : nullptr;
    TimestampTz next_due = DT_NOEND;
    if (found < order.limit)
      next_due = next_due_in_lane(order.org_id, order.priority,
                                  last != nullptr ? last->due_at : order.after_due,
                                  last != nullptr ? last->message_id : order.after_id);
    tell_lane(sender, order, found, last, next_due);
    count += found;
  }
  MemoryContextSwitchTo(turn);
  sender->claimed = claimed;
  sender->claimed_count = count;
  sender->claimed_since_sweep = true;
  coach_sms::count(Counter::kClaimed, static_cast<uint64>(count));
}

void record_and_claim_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  record_step(sender);
  if (sender->record_failures == 0) claim(sender);
}

}  // namespace coach_sms
