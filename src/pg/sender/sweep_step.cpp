#include "pg/sender/duties.hpp"

#include <algorithm>

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/messages/upkeep.hpp"
#include "pg/sender/limits_loader.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/unsettled.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"
#include "pg/tables/definitions.hpp"

// The duty that reads the mode and the front of each lane. The first sweep also settles the claims
// that an earlier sender left in flight.

namespace coach_sms {

namespace {

constexpr int64 kPauseWhileBusy = USECS_PER_SEC;
constexpr int64 kLongestPause = 10 * USECS_PER_SEC;
constexpr int kPart = 50;  // a sweep that nobody asks for takes a fiftieth of the sender's time

struct {
  bool is_first_done;
  bool found_something_due;
  TimestampTz at;
  int64 pause;  // the shortest until the next sweep that nobody asks for
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

// The fronts of the lanes, in an array that grows.
struct Fronts {
  LaneId* lanes;
  TimestampTz* due_at;
  uint64 count;
  uint64 room;

  void add(const LaneId& lane, TimestampTz due) {
    if (count == room) {
      room *= 2;
      lanes = static_cast<LaneId*>(repalloc(lanes, sizeof(LaneId) * room));
      due_at = static_cast<TimestampTz*>(repalloc(due_at, sizeof(TimestampTz) * room));
    }
    lanes[count] = lane;
    due_at[count++] = due;
  }
};

// Finds the first row behind a lane. Gives that row's lane and due time.
bool find_next_front(Table* queue, LaneId* lane, TimestampTz* due_at) {
  const LaneId behind = *lane;
  Scan scan;
  scan.begin_behind(queue, {},
                    {{queue::kOrgId, Parameter(behind.org_id)},
                     {queue::kZone, Parameter(behind.zone)},
                     {queue::kPriority, Parameter(behind.priority)}});
  const bool found = scan.next();
  if (found) {
    *due_at = scan.row.time(queue::kDueAt, DT_NOBEGIN);
    *lane = {scan.row.uuid(queue::kOrgId), scan.row.copy_text(queue::kZone, ""),
             static_cast<int16>(scan.row.number(queue::kPriority))};
  }
  scan.end();
  return found;
}

// Reads the first due time of each lane, with one index probe a lane.
Fronts read_fronts() {
  constexpr uint64 kFirstRoom = 256;
  Fronts fronts{static_cast<LaneId*>(palloc(sizeof(LaneId) * kFirstRoom)),
                static_cast<TimestampTz*>(palloc(sizeof(TimestampTz) * kFirstRoom)), 0, kFirstRoom};
  Command command;
  Table queue;
  command.begin();
  queue.open(&queue::table, TableUse::kRead, &command);
  LaneId lane{{}, "", PG_INT16_MIN};
  TimestampTz due_at;
  while (find_next_front(&queue, &lane, &due_at))
    fronts.add(lane, due_at);
  queue.close();
  command.end();
  return fronts;
}

void sweep_lanes(Sender* sender) {
  const Fronts read = read_fronts();
  const int64 now = GetCurrentTimestamp();
  sweeps.found_something_due = std::any_of(read.due_at, read.due_at + read.count,
                                           [&](TimestampTz due_at) { return due_at <= now; });
  raise_if(run_cpp([&] {
    std::vector<LaneFront> fronts(read.count);
    for (uint64 i = 0; i < read.count; ++i) {
      const LaneId& lane = read.lanes[i];
      fronts[i].lane = {to_core(lane.org_id), lane.zone, lane.priority};
      fronts[i].first_due_at = read.due_at[i];
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
  const TimestampTz began_at = GetCurrentTimestamp();
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
  sweeps.pause = pause_after(began_at, kPart, kLongestPause);
}

void begin() {
  sweeps = {};
}

TimestampTz next_at(const Sender& sender, TimestampTz now) {
  if (sender.sweep_wanted) return now;
  const bool busy = sender.claimed_since_sweep || sweeps.found_something_due;
  const int64 pause = busy ? kPauseWhileBusy : INT64CONST(1000) * settings::poll_interval;
  return sweeps.at + std::max(pause, sweeps.pause);
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
