#include "pg/sender/sender_state.hpp"

#include "pg/base/ids.hpp"
#include "pg/sender/dispatch_options.hpp"
#include "pg/sender/duties.hpp"
#include "pg/sender/first_byte.hpp"
#include "pg/sender/sender.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// The sender's loop: wait, take results, record them, claim, check, start. No transaction is open
// while it waits. libcurl works beside it, in a thread of its own (core/http/http_thread.hpp).

namespace coach_sms {

namespace {

// The dispatch whose thread for HTTP runs; nullptr: none does.
Dispatch* dispatch_with_thread;

// Ends the thread before the process leaves its shared memory, in which the thread reads. Runs at
// every orderly end of the process, also after a FATAL error.
void end_requests(int, Datum) {
  if (dispatch_with_thread != nullptr) dispatch_with_thread->end_requests();
  dispatch_with_thread = nullptr;
}

void make_dispatch(Sender* sender) {
  static bool curl_ready = false;
  if (!curl_ready) before_shmem_exit(end_requests, 0);
  raise_if(run_cpp([&] {
    if (!curl_ready) http_global_init();
    curl_ready = true;
    sender->lanes = new Lanes();
    sender->holds = new Holds(wall_clock);
    sender->limits = new SendLimits();
    sender->dispatch = new Dispatch(dispatch_options(), wall_clock, sender->lanes, sender->holds);
    dispatch_with_thread = sender->dispatch;
  }));
}

void configure(Sender* sender) {
  raise_if(run_cpp([&] {
    sender->dispatch->configure(dispatch_options());
    sender->dispatch->settings_changed();  // another account may count, or a corrected token file
    sender->limits->forget_rules();
  }));
  sender->sweep_wanted = true;
  sender->settings_changed = true;
}

// --- waiting ------------------------------------------------------------------------------------

TimestampTz wake_at(const Sender& sender, TimestampTz now) {
  return sender.steps_again_at > now ? sender.steps_again_at : next_duty_at(sender, now);
}

// Makes one set for the sender's life: latch, postmaster death, and the descriptor that is readable
// when results of requests wait.
void make_events(Sender* sender) {
  sender->events = create_wait_event_set(3);
  AddWaitEventToSet(sender->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
  AddWaitEventToSet(sender->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
  AddWaitEventToSet(sender->events, WL_SOCKET_READABLE, sender->dispatch->twilio().descriptor(),
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
  const int results_in = sender->dispatch->twilio().timeout_ms();
  if (results_in >= 0 && results_in < timeout) timeout = results_in;
  if (timeout > settings::poll_interval) timeout = settings::poll_interval;  // clocks are set
  report_heartbeat(at);
  if (timeout > 1) before_sleep(sender->dispatch->in_flight() > 0 ? "sending" : "waiting", at);
  wait_for(sender, arrivals_waiting() ? 0 : timeout);
}

// Plans again after the clock was set back. Times that were planned by the old clock would come too
// late, and counts of the limits would be lost. The sweep finds all else.
void notice_clock(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  if (now + USECS_PER_SEC < sender->woke_at) {
    ereport(LOG, (errmsg("the clock was set back by %ld s",
                         static_cast<long>((sender->woke_at - now) / USECS_PER_SEC))));
    sender->steps_again_at = 0;
    duties_clock_set_back(sender, now);
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
    for (int i = 0; i < count; ++i) {
      const Arrival& arrival = arrivals[i];
      sender->lanes->note({to_core(arrival.org_id), arrival.zone, arrival.priority},
                          arrival.due_at);
    }
    if (!settings_changed) return;
    sender->dispatch->settings_changed();
    sender->limits->forget_rules();
  }));
  if (overflow || settings_changed) sender->sweep_wanted = true;
  if (settings_changed) sender->settings_changed = true;
}

bool is_usable(const Sender& sender) {
  return sender.context->extension_status == ExtensionStatus::kUsable ||
         sender.context->extension_status == ExtensionStatus::kBusy;
}

void turn(Sender* sender) {
  MemoryContextReset(sender->turn);
  wait_for_something(sender);
  notice_clock(sender);
  if (process_signals()) configure(sender);
  drive(sender);
  take_news(sender);
  if (sender->steps_again_at <= GetCurrentTimestamp()) run_duties(sender);
}

// --- the end ------------------------------------------------------------------------------------

// Returns whether requests or results are outstanding that waiting could still settle.
bool work_remains(const Sender& sender) {
  return sender.dispatch->in_flight() > 0 ||
         (is_usable(sender) && !sender.dispatch->finished().empty());
}

// Ends sending: claims no more, awaits requests under way, records results, and puts unsent claims
// back into the queue. If the extension is gone, the answers are awaited for the log only.
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
    int timeout = sender->dispatch->twilio().timeout_ms();
    if (timeout < 0 || timeout > 100) timeout = 100;
    wait_for(sender, timeout);
    process_signals();
  }
  log_unrecorded(sender);
}

void begin(Sender* sender, WorkerContext* context) {
  sender->context = context;
  sender->sweep_wanted = true;
  sender->turn = AllocSetContextCreate(TopMemoryContext, "coach_sms turn", ALLOCSET_DEFAULT_SIZES);
  sender->batch =
      AllocSetContextCreate(TopMemoryContext, "coach_sms batch", ALLOCSET_DEFAULT_SIZES);
  begin_duties();
  forget_earlier_sender();
  make_dispatch(sender);
  make_events(sender);
}

void release(Sender* sender) {
  FreeWaitEventSet(sender->events);
  dispatch_with_thread = nullptr;
  raise_if(run_cpp([&] {
    delete sender->dispatch;
    delete sender->limits;
    delete sender->lanes;
    delete sender->holds;
  }));
  MemoryContextDelete(sender->turn);
  MemoryContextDelete(sender->batch);
}

}  // namespace

void drive(Sender* sender) {
  raise_if(run_cpp([&] { sender->dispatch->drive(); }));
  report_in_flight(static_cast<int>(sender->dispatch->in_flight()));
  note_results(*sender);
}

void sender_run(WorkerContext* context) {
  Sender sender{};
  begin(&sender, context);
  MemoryContext caller = MemoryContextSwitchTo(sender.turn);
  while (!should_stop() && is_usable(sender))
    turn(&sender);
  drain(&sender);
  MemoryContextSwitchTo(caller);
  release(&sender);
}

}  // namespace coach_sms
