#include "pg/sender_steps.hpp"

#include "pg/clock.hpp"
#include "pg/delivery.hpp"
#include "pg/failpoint.hpp"
#include "pg/reconcile_step.hpp"
#include "pg/sandbox_delivery.hpp"
#include "pg/settings.hpp"
#include "pg/shared_state.hpp"
#include "pg/statement.hpp"

namespace coach_sms {

namespace {

// --- sweeping -----------------------------------------------------------------------------------

void show_mode(Sender* sender, Mode mode, const char* why) {
  const bool changed = sender->mode != mode || !sender->first_sweep_done;
  sender->mode = mode;
  if (mode == Mode::kNotArmed) {
    report_state(WorkerState::kNotArmed);
    report_error(why);
    if (changed)
      ereport(LOG, (errmsg("coach_sms sends nothing in database \"%s\": %s",
                           sender->context->database_name, why),
                    errhint("Run SELECT sms_go_live() or sms_go_sandbox() there to arm this server.")));
  } else {
    report_state(mode == Mode::kLive ? WorkerState::kLive : WorkerState::kSandbox);
    if (changed)
      ereport(LOG, (errmsg("coach_sms sends for database \"%s\": %s",
                           sender->context->database_name,
                           mode == Mode::kLive ? "live" : "sandbox")));
  }
}

// One index probe a lane: from each lane's first row to the next lane's.
uint64 read_fronts() {
  static Statement read{
      "WITH RECURSIVE front AS ("
      " (SELECT org_id, priority, due_at FROM @extschema@.sms_queue"
      "   ORDER BY org_id, priority, due_at LIMIT 1)"
      " UNION ALL"
      " SELECT later.* FROM front, LATERAL ("
      "  SELECT q.org_id, q.priority, q.due_at FROM @extschema@.sms_queue q"
      "   WHERE (q.org_id, q.priority) > (front.org_id, front.priority)"
      "   ORDER BY q.org_id, q.priority, q.due_at LIMIT 1) later)"
      " SELECT org_id, priority, due_at FROM front",
      {}};
  return read.run(std::initializer_list<Datum>{});
}

void sweep_lanes(Sender* sender) {
  const uint64 count = read_fronts();
  auto* orgs = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * (count + 1)));
  auto* priorities = static_cast<int*>(palloc(sizeof(int) * (count + 1)));
  auto* due = static_cast<int64*>(palloc(sizeof(int64) * (count + 1)));
  const int64 now = unix_now_us();
  sender->something_due_at_sweep = false;
  for (uint64 row = 0; row < count; ++row) {
    orgs[row] = uuid_column(row, 1);
    priorities[row] = int_column(row, 2);
    due[row] = to_unix_us(time_column(row, 3, 0));
    if (due[row] <= now) sender->something_due_at_sweep = true;
  }
  raise_if(run_cpp([&] {
    std::vector<LaneFront> fronts(count);
    for (uint64 row = 0; row < count; ++row) {
      memcpy(fronts[row].lane.org.bytes.data(), orgs[row].data, UUID_LEN);
      fronts[row].lane.priority = priorities[row];
      fronts[row].first_due_at = due[row];
    }
    sender->dispatch->lanes().sweep(fronts, now);
  }));
}

// --- recording ----------------------------------------------------------------------------------

enum class Kind { kSent, kFailed, kRetry, kUnknown, kPutBack };

Kind kind_of(const FinishedRow& row) {
  if (!row.started) return Kind::kPutBack;
  switch (row.outcome) {
    case Outcome::kAccepted:
      return Kind::kSent;
    case Outcome::kRejected:
      return Kind::kFailed;
    case Outcome::kRetry:
      return row.settled.failures < settings::max_attempts ? Kind::kRetry : Kind::kFailed;
    case Outcome::kUnknown:
      break;
  }
  return Kind::kUnknown;
}

void record_kind(const SettledRows& results, Kind kind, bool sandbox, bool for_good) {
  const char* provider = sandbox ? "sandbox" : "twilio";
  switch (kind) {
    case Kind::kSent:
      return record_sent(results, provider);
    case Kind::kFailed:
      return record_failed(results, provider, for_good ? "permanent_error" : "transient_error");
    case Kind::kRetry:
      return record_retry(results, provider, "transient_error");
    case Kind::kUnknown:
      return record_unknown(results);
    case Kind::kPutBack:
      return put_back(results);
  }
}

void count_results(const FinishedRow* rows, int count) {
  static constexpr Counter kCounterOf[] = {Counter::kAccepted, Counter::kRejected,
                                           Counter::kRetried, Counter::kUnknown};
  for (int i = 0; i < count; ++i) {
    if (!rows[i].started || !rows[i].settled.recorded) continue;
    coach_sms::count(kCounterOf[static_cast<int>(kind_of(rows[i]))], 1);
    coach_sms::count_latency(static_cast<int64>(rows[i].settled.duration_ms) * 1000);
  }
}

void tell_account_trouble(const FinishedRow& row) {
  static TimestampTz told_at = 0;
  const TimestampTz now = GetCurrentTimestamp();
  if (now - told_at < USECS_PER_MINUTE) return;
  told_at = now;
  ereport(LOG, (errmsg("Twilio refuses an account's credentials: %s %s", row.settled.error_code,
                       row.settled.error_message != nullptr ? row.settled.error_message : ""),
                errdetail("Its messages wait; one is tried from time to time."),
                errhint("Set the right token with sms_set_twilio_credentials() or in the file "
                        "coach_sms.twilio_auth_token_file.")));
  report_error("Twilio refuses an account's credentials");
}

// One statement for each org and kind that is among the results.
void record_results(Sender* sender, int limit, FinishedRow** rows, int* count) {
  *count = copy_finished(sender, limit, rows);
  auto* group = static_cast<Settled**>(palloc(sizeof(Settled*) * (*count + 1)));
  auto* done = static_cast<bool*>(palloc0(sizeof(bool) * (*count + 1)));
  for (int first = 0; first < *count; ++first) {
    if (done[first]) continue;
    FinishedRow& leader = (*rows)[first];
    if (leader.account_trouble) tell_account_trouble(leader);
    int size = 0;
    for (int i = first; i < *count; ++i) {
      FinishedRow& row = (*rows)[i];
      if (done[i] || kind_of(row) != kind_of(leader) || row.outcome != leader.outcome ||
          row.sandbox != leader.sandbox ||
          memcmp(&row.settled.org_id, &leader.settled.org_id, UUID_LEN) != 0)
        continue;
      done[i] = true;
      group[size++] = &row.settled;
    }
    record_kind({leader.settled.org_id, group, size}, kind_of(leader), leader.sandbox,
                leader.outcome == Outcome::kRejected);
  }
}

// Callbacks that were faster than our own record of their SID.
void apply_early_events(const FinishedRow* rows, int count) {
  auto* sids = static_cast<const char**>(palloc(sizeof(char*) * (count + 1)));
  int known = 0;
  for (int i = 0; i < count; ++i)
    if (rows[i].settled.sid != nullptr && rows[i].settled.recorded)
      sids[known++] = rows[i].settled.sid;
  if (known > 0) apply_waiting_events(sids, known);
}


// --- claiming -----------------------------------------------------------------------------------

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
      memcpy(out.org_id.data, order.lane.org.bytes.data(), UUID_LEN);
      out.priority = static_cast<int16>(order.lane.priority);
      out.after_due = order.after.due_at == std::numeric_limits<std::int64_t>::min()
                          ? DT_NOBEGIN
                          : from_unix_us(order.after.due_at);
      memcpy(out.after_id.data, order.after.message.bytes.data(), UUID_LEN);
      out.limit = order.limit;
    }
  }));
  return count;
}

void tell_lane(Sender* sender, const Order& order, int count, const Claimed* last,
               TimestampTz next_due) {
  raise_if(run_cpp([&] {
    ClaimOrder claimed;
    memcpy(claimed.lane.org.bytes.data(), order.org_id.data, UUID_LEN);
    claimed.lane.priority = order.priority;
    claimed.limit = order.limit;
    LanePosition position;
    if (last != nullptr) {
      position.due_at = to_unix_us(last->due_at);
      memcpy(position.message.bytes.data(), last->message_id.data, UUID_LEN);
    }
    sender->dispatch->lanes().claimed(claimed, count, position, to_unix_us(next_due),
                                      unix_now_us());
  }));
}

// The claims of an aborted transaction never happened, but the lanes have moved on: the sweep that
// follows every failed step sets them right.
void claim(Sender* sender) {
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

// --- the last check -----------------------------------------------------------------------------

Settled settled_of(const Claimed& claimed, const Checked& checked) {
  Settled settled{};
  settled.message_id = claimed.message_id;
  settled.org_id = claimed.org_id;
  settled.fence = claimed.fence;
  settled.when = checked.when;
  settled.failures = static_cast<int16>(claimed.failures);
  if (checked.verdict == Verdict::kWithdraw) settled.error_code = pstrdup(checked.reason);
  return settled;
}

Checked* checked_rows = nullptr;
Settled* returned_rows = nullptr;

void hold_org(Sender* sender, const pg_uuid_t& org_id, TimestampTz until) {
  raise_if(run_cpp([&] {
    Uuid org;
    memcpy(org.bytes.data(), org_id.data, UUID_LEN);
    sender->dispatch->lanes().hold(org, to_unix_us(until));
  }));
}

void note_put_back(Sender* sender, const Claimed& claimed, TimestampTz when) {
  raise_if(run_cpp([&] {
    LaneKey lane;
    memcpy(lane.org.bytes.data(), claimed.org_id.data, UUID_LEN);
    lane.priority = claimed.priority;
    sender->dispatch->lanes().note(lane, to_unix_us(when));
  }));
}

void give_back(Sender* sender, const Claimed& claimed) {
  raise_if(run_cpp([&] {
    Task task;
    memcpy(task.message.bytes.data(), claimed.message_id.data, UUID_LEN);
    memcpy(task.org.bytes.data(), claimed.org_id.data, UUID_LEN);
    task.fence = claimed.fence;
    task.failures = claimed.failures;
    task.priority = claimed.priority;
    sender->dispatch->give_back(std::move(task));
  }));
}

}  // namespace

void sweep_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  const char* why = "";
  const Mode mode = read_mode(&why);
  if (!sender->first_sweep_done) {
    const uint64 left = expire_leases(nullptr, 0, true);
    if (left > 0)
      ereport(LOG, (errmsg("%llu messages were in flight when the sender before this one ended",
                           static_cast<unsigned long long>(left)),
                    errdetail("Whether Twilio has them is being found out.")));
  }
  show_mode(sender, mode, why);
  sweep_lanes(sender);
  count_unsettled();
  sender->first_sweep_done = true;
  sender->sweep_wanted = false;
  sender->claimed_since_sweep = false;
  sender->swept_at = GetCurrentTimestamp();
}

void record_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  sender->recorded_count = 0;
  if (sender->dispatch->finished().empty()) return;
  FAILPOINT("after-answer");
  int count = 0;
  record_results(sender, settings::batch_size * 4, &sender->recorded, &count);
  apply_early_events(sender->recorded, count);
  sender->recorded_count = count;
}

void record_and_claim_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  record_step(sender);
  claim(sender);
}

void check_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  FAILPOINT("after-claim");
  const int count = sender->claimed_count;
  checked_rows = static_cast<Checked*>(palloc0(sizeof(Checked) * count));
  returned_rows = static_cast<Settled*>(palloc0(sizeof(Settled) * count));
  check_claimed(sender->claimed, count, sender->mode == Mode::kSandbox, checked_rows);
  for (int i = 0; i < count; ++i) {
    if (checked_rows[i].verdict == Verdict::kSend) continue;
    returned_rows[i] = settled_of(sender->claimed[i], checked_rows[i]);
    Settled* row = &returned_rows[i];
    const SettledRows one{row->org_id, &row, 1};
    checked_rows[i].verdict == Verdict::kWithdraw ? withdraw(one) : put_back(one);
  }
}

void start_checked(Sender* sender) {
  FAILPOINT("before-connect");
  const int count = sender->claimed_count;
  sender->claimed_count = 0;
  start_requests(sender, sender->claimed, count, checked_rows);
  for (int i = 0; i < count; ++i) {
    wipe_route(checked_rows[i].route);
    if (checked_rows[i].verdict == Verdict::kSend) continue;
    if (checked_rows[i].route->why_held != nullptr)
      hold_org(sender, sender->claimed[i].org_id, checked_rows[i].route->held_until);
    if (!returned_rows[i].recorded)
      give_back(sender, sender->claimed[i]);
    else if (checked_rows[i].verdict == Verdict::kPutBack)
      note_put_back(sender, sender->claimed[i], checked_rows[i].when);
  }
}

void forget_what_was_recorded(Sender* sender) {
  if (sender->recorded_count == 0) return;
  count_results(sender->recorded, sender->recorded_count);
  note_sandbox_deliveries(sender->recorded, sender->recorded_count);
  forget_recorded(sender, sender->recorded, sender->recorded_count);
  sender->recorded_count = 0;
}

void give_back_claimed(Sender* sender) {
  for (int i = 0; i < sender->claimed_count; ++i) give_back(sender, sender->claimed[i]);
  sender->claimed_count = 0;
}

void housekeeping_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  if (sender->mode != Mode::kNotArmed) {
    expire_lost_leases(sender);
    promote_due(1000);
    deliver_in_sandbox();
    if (sender->mode == Mode::kLive) start_looks(sender);
  }
  settle_looked(sender);
  apply_waiting_events(nullptr, 0);
  count_unsettled();
  sender->kept_house_at = GetCurrentTimestamp();
}

void log_unrecorded(Sender* sender) {
  for (const Finished& finished : sender->dispatch->finished())
    if (!finished.settlement.provider_message_id.empty())
      ereport(LOG, (errmsg("Twilio accepted %s, and there is nowhere left to record it",
                           finished.settlement.provider_message_id.c_str())));
}

}  // namespace coach_sms
