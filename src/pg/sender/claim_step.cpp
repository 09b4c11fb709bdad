#include "pg/sender/sender_state.hpp"

#include <algorithm>

#include "pg/base/failpoint.hpp"
#include "pg/base/ids.hpp"
#include "pg/sender/limits_loader.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// Claims due messages: a few from each of as many lanes as fill a batch.

namespace coach_sms {

namespace {

struct Order {
  LaneId lane;
  TimestampTz after_due;
  pg_uuid_t after_id;
  int limit;
  TimestampTz opened_at;  // DT_NOBEGIN: the lane's quiet hours did not end just now
  int waited;             // of `limit`, from the messages that waited when it opened
};

constexpr int kMostOrders = 1000;
constexpr int64 kShortPause = USECS_PER_SEC / 5;

Order order_of(const ClaimOrder& order) {
  return {
      {to_pg(order.lane.org), copy_out(order.lane.zone), static_cast<int16>(order.lane.priority)},
      order.after.due_at,
      to_pg(order.after.message),
      order.limit,
      order.opened_at,
      std::min(order.waited, order.limit)};
}

// Plans the claims: the lanes offer them, the limits admit them, and the accounts have room for
// them. Returns their number.
int plan_claims(Sender* sender, int room, Order* orders) {
  raise_if(run_cpp([&] {
    std::vector<ClaimOrder> next = sender->lanes->next_claims(GetCurrentTimestamp(), room);
    if (next.size() > kMostOrders) next.resize(kMostOrders);
    sender->limits->plan(std::move(next));
  }));
  if (sender->limits->planned() == 0) return 0;
  load_limits(sender);
  int count = 0;
  raise_if(run_cpp([&] {
    const int64 now = GetCurrentTimestamp();
    Dispatch& dispatch = *sender->dispatch;
    std::vector<ClaimOrder> admitted = sender->limits->admit(sender->lanes, sender->holds, now);
    dispatch.drop_held(&admitted, now);
    for (const ClaimOrder& order : admitted)
      orders[count++] = order_of(order);
  }));
  return count;
}

// The result of an order's claims.
struct Found {
  int waited;  // claims of messages that waited when the lane opened
  int count;   // other claims
  const Claimed* last;
  TimestampTz next_due;
};

void advance_lane(Sender* sender, const Order& order, const Found& found) {
  raise_if(run_cpp([&] {
    const int64 now = GetCurrentTimestamp();
    ClaimOrder claimed;
    claimed.lane = {to_core(order.lane.org_id), order.lane.zone, order.lane.priority};
    claimed.limit = order.limit - found.waited;
    LanePosition position;
    if (found.last != nullptr) {
      position.due_at = found.last->due_at;
      position.message = found.last->message;
    }
    int64 next_due = found.next_due;
    if (order.opened_at != DT_NOBEGIN) {
      const int64 more_at = sender->limits->took_waited(claimed.lane, found.waited, now);
      // Counted messages are locked, or gone: claim them again only after a pause.
      const bool is_short = found.waited < order.waited;
      next_due = std::min(next_due, is_short ? std::max(more_at, now + kShortPause) : more_at);
    }
    sender->lanes->claimed(claimed, found.count, position, next_due, now);
  }));
}

// Claims for one order. A lane that opened just now gives its waiting messages little by little.
// From the moment of its opening on, it gives messages as they fall due.
Found claim_order(const Order& order, int64 fence, Claimed* claimed) {
  Found found{0, 0, nullptr, DT_NOEND};
  TimestampTz after_due = order.after_due;
  pg_uuid_t after_id = order.after_id;
  if (order.opened_at > after_due) {
    after_due = order.opened_at - 1;
    after_id = pg_uuid_t{};
  }
  if (order.waited > 0)
    found.waited = claim_waited(order.lane, fence, order.opened_at, order.waited, claimed);
  const int limit = order.limit - found.waited;
  if (limit > 0)
    found.count = claim_due(order.lane, fence, after_due, after_id, limit, claimed + found.waited);
  if (found.count > 0) found.last = &claimed[found.waited + found.count - 1];
  // The next due time is looked up once the lane is empty, after the requests of these claims.
  if (found.count > 0 && found.waited == 0 && found.count < limit)
    found.next_due = GetCurrentTimestamp();
  else if (found.count < limit)
    found.next_due =
        next_due_in_lane(order.lane, found.last != nullptr ? found.last->due_at : after_due,
                         found.last != nullptr ? to_pg(found.last->message) : after_id);
  return found;
}

}  // namespace

TimestampTz next_claim_at(const Sender& sender, TimestampTz now) {
  if (sender.claimed_count > 0 || sender.dispatch->room() <= 0 || should_stop() ||
      sender.mode == Mode::kNotArmed)
    return DT_NOEND;
  return sender.lanes->next_due(now);
}

// A failed step rolls the claims back, but the lanes have moved on. The sweep after every failed
// step corrects them.
void claim(Sender* sender) {
  if (sender->claimed_count > 0 || should_stop() || sender->mode == Mode::kNotArmed) return;
  const int room = std::min(sender->dispatch->room(), settings::batch_size);
  if (room <= 0) return;
  MemoryContextReset(sender->batch);
  MemoryContext turn = MemoryContextSwitchTo(sender->batch);
  auto* orders = static_cast<Order*>(palloc(sizeof(Order) * kMostOrders));
  const int planned = plan_claims(sender, room, orders);
  auto* claimed = static_cast<Claimed*>(palloc(sizeof(Claimed) * static_cast<Size>(room)));
  const int64 fence = new_fence();
  if (planned > 0) report_unsent(fence);
  int count = 0;
  for (int i = 0; i < planned; ++i) {
    const Found found = claim_order(orders[i], fence, claimed + count);
    advance_lane(sender, orders[i], found);
    count += found.waited + found.count;
  }
  MemoryContextSwitchTo(turn);
  if (planned == 0) return;
  sender->claimed = claimed;
  sender->claimed_count = count;
  sender->claimed_since_sweep = true;
  add_to_counter(Counter::kClaimed, static_cast<uint64>(count));
  if (count > 0) FAILPOINT("before-claim-commit");
}

}  // namespace coach_sms
