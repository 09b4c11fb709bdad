#include "pg/sender/sender_state.hpp"

#include "pg/base/clock.hpp"
#include "pg/base/ids.hpp"
#include "pg/sender/reconcile_step.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/sender/sender.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// The sender's loop: wait, drive the requests, record what came back, claim what is due, look once
// more, start. No transaction is open while it waits or while libcurl works.

namespace coach_sms {

namespace {

// How long results wait for company before they are recorded: a commit costs as much as the
// records of ten messages.
constexpr int64 kLinger = 1000;
constexpr int64 kSweepWhileBusy = USECS_PER_SEC;
constexpr int64 kHousekeeping = USECS_PER_SEC;
constexpr char kLookingForBookings[] = "looking for bookings";
constexpr char kLookingOnceMore[] = "looking once more before sending";

void make_dispatch(Sender* sender) {
  static bool curl_ready = false;
  raise_if(run_cpp([&] {
    if (!curl_ready) http_global_init();
    curl_ready = true;
    sender->dispatch = new Dispatch(dispatch_options(), unix_now_us);
    sender->limits = new SendLimits();
  }));
}

void configure(Sender* sender) {
  raise_if(run_cpp([&] {
    sender->dispatch->configure(dispatch_options());
    sender->dispatch->settings_changed();  // at another account, or a token file that was mended
    sender->limits->forget_rules();
  }));
  sender->sweep_wanted = true;
  sender->settings_changed = true;
}

// --- waiting ------------------------------------------------------------------------------------

TimestampTz earlier(TimestampTz one, TimestampTz other) {
  return one < other ? one : other;
}

TimestampTz next_sweep(const Sender& sender) {
  const bool busy = sender.claimed_since_sweep || sender.something_due_at_sweep;
  return sender.swept_at + (busy ? kSweepWhileBusy : INT64CONST(1000) * settings::poll_interval);
}

TimestampTz next_housekeeping(const Sender& sender) {
  const bool busy = sender.claimed_since_sweep || sender.more_to_expire ||
                    sender.dispatch->in_hand() > 0 || has_unsettled();
  return sender.kept_house_at + (busy ? kHousekeeping : INT64CONST(1000) * settings::poll_interval);
}

// Results other than those whose message was locked when they were last tried.
bool has_fresh_results(const Sender& sender) {
  return sender.dispatch->finished().size() > static_cast<std::size_t>(sender.locked);
}

bool has_room(const Sender& sender) {
  return sender.dispatch->room() > 0 && sender.mode != Mode::kNotArmed;
}

TimestampTz wake_at(const Sender& sender, TimestampTz now) {
  if (sender.steps_again_at > now) return sender.steps_again_at;
  if (sender.sweep_wanted || sender.claimed_count > 0) return now;
  TimestampTz at = earlier(next_sweep(sender), next_housekeeping(sender));
  at = earlier(at, next_bookings(sender, now));
  at = earlier(at, next_status_polls(sender, now));
  at = earlier(at, sender.prune_again_at);
  at = earlier(at, sender.searches_again_at);
  if (holds_to_publish(sender)) at = earlier(at, sender.publish_again_at);
  if (has_fresh_results(sender))
    at = earlier(at, sender.finished_since != 0 ? sender.finished_since + kLinger : now);
  else if (sender.locked > 0)
    at = earlier(at, sender.locked_again_at);
  if (has_room(sender))
    at = earlier(at, from_unix_us(sender.dispatch->lanes().next_due(to_unix_us(now))));
  return at;
}

// One set for the sender's life: latch, postmaster death, and the pool's descriptor, which is
// readable when any of libcurl's sockets is.
void make_events(Sender* sender) {
  sender->events = create_wait_event_set(3);
  AddWaitEventToSet(sender->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
  AddWaitEventToSet(sender->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
  AddWaitEventToSet(sender->events, WL_SOCKET_READABLE, sender->dispatch->pool().descriptor(),
                    nullptr, nullptr);
}

void wait_for(Sender* sender, long timeout) {
  WaitEvent occurred[3];
  WaitEventSetWait(sender->events, timeout, occurred, 3, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
}

void wait_for_something(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  const TimestampTz at = wake_at(*sender, now);
  long timeout = at <= now ? 0 : TimestampDifferenceMilliseconds(now, at);
  const int pool_timeout = sender->dispatch->pool().timeout_ms();
  if (pool_timeout >= 0 && pool_timeout < timeout) timeout = pool_timeout;
  if (timeout > settings::poll_interval) timeout = settings::poll_interval;  // clocks are set
  report_heartbeat(at);
  if (timeout > 1) before_sleep(sender->dispatch->in_flight() > 0 ? "sending" : "waiting", at);
  wait_for(sender, arrivals_waiting() ? 0 : timeout);
}

// What was planned by a clock that was set back would wait until it is there again, and what it had
// made the limits forget would not count. All else is found out by the sweep.
void notice_clock(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  if (now + USECS_PER_SEC < sender->woke_at) {
    ereport(LOG, (errmsg("the clock was set back by %ld s",
                         static_cast<long>((sender->woke_at - now) / USECS_PER_SEC))));
    sender->sweep_wanted = true;
    sender->kept_house_at = sender->promote_again_at = 0;
    const bool skips = sender->skip_bookings_until > now;
    sender->bookings_looked_at = skips ? now : 0;
    sender->skip_bookings_until = skips ? now + USECS_PER_MINUTE : 0;
    sender->prune_again_at = now;
    sender->steps_again_at = sender->locked_again_at = 0;
    sender->searches_again_at = sender->publish_again_at = 0;
    ask_all_again();
    if (sender->finished_since != 0) sender->finished_since = now;
    raise_if(run_cpp([&] {
      sender->dispatch->clock_set_back();
      sender->limits->clock_set_back();
    }));
  }
  sender->woke_at = now;
}

// --- what came in -------------------------------------------------------------------------------

void take_news(Sender* sender) {
  static Arrival arrivals[kMaxArrivals];
  bool overflow = false;
  bool settings_changed = false;
  const int count = take_arrivals(arrivals, &overflow, &settings_changed);
  raise_if(run_cpp([&] {
    Lanes& lanes = sender->dispatch->lanes();
    for (int i = 0; i < count; ++i) {
      const Arrival& arrival = arrivals[i];
      lanes.note({to_core(arrival.org_id), arrival.zone, arrival.priority},
                 to_unix_us(arrival.due_at));
    }
    if (!settings_changed) return;
    sender->dispatch->settings_changed();
    sender->limits->forget_rules();
  }));
  if (overflow || settings_changed) sender->sweep_wanted = true;
  if (settings_changed) sender->settings_changed = true;
}

void drive(Sender* sender) {
  raise_if(run_cpp([&] { sender->dispatch->drive(); }));
  report_in_flight(static_cast<int>(sender->dispatch->in_flight()));
  if (!has_fresh_results(*sender))
    sender->finished_since = 0;
  else if (sender->finished_since == 0)
    sender->finished_since = GetCurrentTimestamp();
}

// --- steps --------------------------------------------------------------------------------------

// Results are worth a commit when there are many, when they have waited, or when nothing else is
// left to wait for.
bool should_record(const Sender& sender, TimestampTz now) {
  if (!has_fresh_results(sender)) return sender.locked > 0 && sender.locked_again_at <= now;
  const std::size_t finished = sender.dispatch->finished().size();
  return finished >= static_cast<std::size_t>(settings::batch_size) ||
         finished * 2 >= static_cast<std::size_t>(settings::max_in_flight) ||
         sender.dispatch->in_flight() == 0 || now - sender.finished_since >= kLinger;
}

bool should_claim(const Sender& sender, TimestampTz now) {
  return sender.claimed_count == 0 && has_room(sender) && !should_stop() &&
         sender.dispatch->lanes().next_due(to_unix_us(now)) <= to_unix_us(now);
}

bool step(Sender* sender, const char* name, void (*work)(void*)) {
  if (watched_step(sender, name, work)) {
    sender->failures = 0;
    return true;
  }
  if (sender->context->standing == ExtensionStatus::kUsable) ++sender->failures;
  const int wait =
      sender->context->standing == ExtensionStatus::kBusy ? 100 : backoff_after(sender->failures);
  sender->steps_again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait);
  sender->sweep_wanted = true;
  return false;
}

// Once their step is committed.
void searches_were_started(Sender* sender) {
  if (sender->mode == Mode::kLive) sender->settings_changed = false;
}

void keep_house(Sender* sender) {
  if (!step(sender, "keeping house", housekeeping_step)) return;
  searches_were_started(sender);
  forget_sandbox_deliveries();
  if (events_wait()) step(sender, "applying callbacks that waited", events_step);
}

// Whether it went well or not, a listing is used once: an unknown message is looked for again.
bool settle_searches(Sender* sender) {
  while (!sender->dispatch->search_results().empty()) {
    const bool settled = step(sender, "settling an unknown message", settle_search_step);
    raise_if(run_cpp([&] { sender->dispatch->forget_first_result(); }));
    if (!settled) return false;
  }
  return true;
}

bool record_and_claim(Sender* sender) {
  const bool had_claims = sender->claimed_count > 0;
  if (step(sender, "recording and claiming", record_and_claim_step)) {
    forget_what_was_recorded(sender);
    // Each has had its turn alone, but for those whose message is locked: they keep up nothing.
    if (sender->dispatch->finished().empty() || --sender->record_alone <= 0)
      sender->record_failures = 0;
    return true;
  }
  // A lock that was waited for in vain is nobody's fault, and passes.
  if (sender->context->standing == ExtensionStatus::kUsable &&
      sender->context->last_error != ERRCODE_LOCK_NOT_AVAILABLE) {
    ++sender->record_failures;
    sender->record_alone = static_cast<int>(sender->dispatch->finished().size());
  }
  if (!had_claims) sender->claimed_count = 0;  // a step that failed claimed nothing
  set_aside_unrecordable(sender);
  return false;
}

// What cannot be judged again and again goes back for a while: a row that nobody thought of must
// not keep everything else from being sent.
bool check(Sender* sender) {
  constexpr int kMostChecks = 3;
  if (step(sender, kLookingOnceMore, check_step)) {
    sender->check_failures = 0;
    return true;
  }
  if (sender->context->standing != ExtensionStatus::kUsable ||
      ++sender->check_failures < kMostChecks)
    return false;
  sender->check_failures = 0;
  give_back_apart(sender, GetCurrentTimestamp() + USECS_PER_MINUTE);
  return false;
}

void take_steps(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  if (sender->steps_again_at > now) return;
  const bool sweep = sender->sweep_wanted || next_sweep(*sender) <= now;
  if (sweep && !step(sender, "looking what is due", sweep_step)) return;
  if ((should_record(*sender, now) || should_claim(*sender, now)) && !record_and_claim(sender))
    return;
  if (sender->claimed_count > 0 && !should_stop()) {
    if (!check(sender)) return;
    start_checked(sender);
    drive(sender);  // what was checked leaves before anything else is waited for
  }
  if (sender->refusal_count > 0) {
    step(sender, "heeding refusals", refusals_step);
    sender->refusal_count = 0;
  }
  if (!settle_searches(sender)) return;
  if (sender->searches_again_at <= now && !should_stop() &&
      step(sender, "searching Twilio's lists", list_search_step))
    searches_were_started(sender);
  if (next_housekeeping(*sender) <= now) keep_house(sender);
  if (next_bookings(*sender, now) <= now) step(sender, kLookingForBookings, bookings_step);
  if (sender->prune_again_at <= now) step(sender, "pruning", retention_step);
  if (next_status_polls(*sender, now) <= now)
    step(sender, "asking for late news", status_poll_step);
  publish_holds(sender);
}

bool is_usable(const Sender& sender) {
  return sender.context->standing == ExtensionStatus::kUsable ||
         sender.context->standing == ExtensionStatus::kBusy;
}

void turn(Sender* sender) {
  MemoryContextReset(sender->turn);
  wait_for_something(sender);
  notice_clock(sender);
  if (process_signals()) configure(sender);
  drive(sender);
  take_news(sender);
  take_steps(sender);
}

// --- the end ------------------------------------------------------------------------------------

// Whether anything is left that waiting could still settle.
bool work_remains(const Sender& sender) {
  return sender.dispatch->in_flight() > 0 ||
         (is_usable(sender) && !sender.dispatch->finished().empty());
}

// No new claims; what is under way is awaited, what came back is recorded, what was not started
// goes back into the queue. Where the extension is gone the answers are awaited for the log alone.
void drain(Sender* sender) {
  report_state(WorkerState::kStopping);
  report_activity("stopping");
  const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), shutdown_grace_ms());
  give_back_claimed(sender);
  while (work_remains(*sender) && GetCurrentTimestamp() < end) {
    MemoryContextReset(sender->turn);
    drive(sender);
    if (is_usable(*sender) && !sender->dispatch->finished().empty()) {
      if (step(sender, "recording before the end", record_step)) forget_what_was_recorded(sender);
      if (sender->failures > 1) break;
    }
    if (!work_remains(*sender)) break;
    int timeout = sender->dispatch->pool().timeout_ms();
    if (timeout < 0 || timeout > 100) timeout = 100;
    wait_for(sender, timeout);
    process_signals();
  }
  log_unrecorded(sender);
}

// Both look at bookings, and so run code of the application's.
void skip_what_ended_the_last(Sender* sender) {
  if (earlier_sender_ended_while(kLookingForBookings) ||
      earlier_sender_ended_while(kLookingOnceMore)) {
    sender->bookings_looked_at = GetCurrentTimestamp();
    sender->skip_bookings_until = sender->bookings_looked_at + USECS_PER_MINUTE;
  }
  forget_earlier_sender();
}

}  // namespace

void sender_run(WorkerContext* context) {
  Sender sender{};
  sender.context = context;
  sender.sweep_wanted = true;
  sender.searches_again_at = DT_NOEND;
  sender.turn = AllocSetContextCreate(TopMemoryContext, "coach_sms turn", ALLOCSET_DEFAULT_SIZES);
  sender.batch = AllocSetContextCreate(TopMemoryContext, "coach_sms batch", ALLOCSET_DEFAULT_SIZES);
  skip_what_ended_the_last(&sender);
  make_dispatch(&sender);
  make_events(&sender);
  MemoryContext caller = MemoryContextSwitchTo(sender.turn);
  while (!should_stop() && is_usable(sender))
    turn(&sender);
  drain(&sender);
  FreeWaitEventSet(sender.events);
  raise_if(run_cpp([&] {
    delete sender.dispatch;
    delete sender.limits;
  }));
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(sender.turn);
  MemoryContextDelete(sender.batch);
}

}  // namespace coach_sms
