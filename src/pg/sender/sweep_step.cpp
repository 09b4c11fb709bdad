#include "pg/sender/duties.hpp"

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/timestamps.hpp"
#include "pg/messages/upkeep.hpp"
#include "pg/sender/limits_loader.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/unsettled.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// The duty that reads the mode and the front of each lane. The first sweep also settles the claims
// that an earlier sender left in flight.

namespace coach_sms {

namespace {

constexpr int64 kPauseWhileBusy = USECS_PER_SEC;

struct {
  bool is_first_done;
  bool found_something_due;
  TimestampTz at;
} sweeps;

void log_mode(const Sender& sender, const char* why_not_armed) {
  const char* database = sender.context->database_name;
  if (sender.mode == Mode::kNotArmed)
    ereport(LOG,
            (errmsg("coach_sms sends nothing in database \"%s\": %s", database, why_not_armed),
             errhint("Run SELECT sms_go_live() or sms_go_sandbox() there to arm this server.")));
  else
    ereport(LOG,
            (errmsg("coach_sms sends for database \"%s\": %s", database, word_for(sender.mode))));
}

void show_mode(Sender* sender, Mode mode, const char* why) {
  const bool changed = sender->mode != mode || !sweeps.is_first_done;
  sender->mode = mode;
  show_state(*sender);
  raise_if(run_cpp([&] {
    if (changed) {
      sender->limits->forget_past();
      sender->dispatch->mode_changed();
    }
    Holds& holds = *sender->holds;
    if (mode == Mode::kNotArmed)
      holds.set_server(HoldRule::kServer,
                       {"this server is not armed for this database", kNever, true});
    else
      holds.clear_server(HoldRule::kServer);
  }));
  if (mode == Mode::kNotArmed) report_error(why);
  if (changed) log_mode(*sender, why);
}

// Reads the first due time of each lane, with one index probe a lane.
uint64 read_fronts() {
  static Statement read{
      R"sql(
      WITH RECURSIVE front AS (
       (SELECT org_id, zone, priority, due_at FROM @internal@.sms_queue
         ORDER BY org_id, zone, priority, due_at LIMIT 1)
       UNION ALL
       SELECT later.* FROM front, LATERAL (
        SELECT q.org_id, q.zone, q.priority, q.due_at FROM @internal@.sms_queue q
         WHERE (q.org_id, q.zone, q.priority) > (front.org_id, front.zone, front.priority)
         ORDER BY q.org_id, q.zone, q.priority, q.due_at LIMIT 1) later)
       SELECT org_id, zone, priority, due_at FROM front)sql",
      {}};
  return read.run();
}

void sweep_lanes(Sender* sender) {
  const uint64 count = read_fronts();
  auto* orgs = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * (count + 1)));
  auto** zones = static_cast<char**>(palloc(sizeof(char*) * (count + 1)));
  auto* priorities = static_cast<int*>(palloc(sizeof(int) * (count + 1)));
  auto* due = static_cast<int64*>(palloc(sizeof(int64) * (count + 1)));
  const int64 now = unix_now_us();
  sweeps.found_something_due = false;
  for (uint64 row = 0; row < count; ++row) {
    orgs[row] = uuid_column(row, 1);
    zones[row] = text_column(row, 2);
    priorities[row] = int_column(row, 3);
    due[row] = to_unix_us(time_column(row, 4, 0));
    if (due[row] <= now) sweeps.found_something_due = true;
  }
  raise_if(run_cpp([&] {
    std::vector<LaneFront> fronts(count);
    for (uint64 row = 0; row < count; ++row) {
      fronts[row].lane = {to_core(orgs[row]), zones[row], priorities[row]};
      fronts[row].first_due_at = due[row];
    }
    sender->lanes->sweep(fronts, now);
    sender->holds->keep_only(fronts, now);
  }));
}

// Ends the time of unknown prepared transactions once all of them have ended: those from before the
// server started, and those beyond kMaxPrepared.
void look_for_unknown_prepared() {
  static Statement find{
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts WHERE prepared <= $1)",
      {TIMESTAMPTZOID}};
  static TimestampTz none_until = 0;  // by the earlier sweep; one may be committing now
  const TimestampTz until = prepared_unknown_until();
  if (until == 0) return;
  find.run(until);
  if (!bool_column(0, 1) && none_until == until) all_prepared_are_known(until);
  none_until = bool_column(0, 1) ? 0 : until;
}

void sweep(void* state) {
  auto* sender = static_cast<Sender*>(state);
  const char* why = "";
  const Mode mode = read_mode(&why);
  if (!sweeps.is_first_done) {
    if (earlier_senders_unsent() != 0) take_back_unsent(earlier_senders_unsent());
    uint64 left = 0;
    for (uint64 some = 1; some > 0; left += some)
      some = expire_leases(nullptr, 0, true);
    if (left > 0)
      ereport(LOG, (errmsg("%llu messages were in flight when the previous sender ended",
                           static_cast<unsigned long long>(left)),
                    errdetail("This sender finds out whether Twilio took them.")));
  }
  if (mode == Mode::kSandbox && (sender->mode != mode || !sweeps.is_first_done))
    find_sandbox_deliveries();
  show_mode(sender, mode, why);
  sweep_lanes(sender);
  read_settled_elsewhere(sender);
  count_unsettled();
  look_for_unknown_prepared();
  sweeps.is_first_done = true;
  sender->sweep_wanted = false;
  sender->claimed_since_sweep = false;
  sweeps.at = GetCurrentTimestamp();
}

void begin() {
  sweeps = {};
}

TimestampTz next_at(const Sender& sender, TimestampTz now) {
  if (sender.sweep_wanted) return now;
  const bool busy = sender.claimed_since_sweep || sweeps.found_something_due;
  return sweeps.at + (busy ? kPauseWhileBusy : INT64CONST(1000) * settings::poll_interval);
}

bool run(Sender* sender) {
  return step(sender, kSweepDuty.name, sweep);
}

void clock_set_back(Sender* sender, TimestampTz) {
  sender->sweep_wanted = true;
}

}  // namespace

const Duty kSweepDuty{"sweeping the lanes", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
