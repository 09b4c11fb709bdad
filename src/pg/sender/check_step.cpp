#include "pg/sender/duties.hpp"

#include <algorithm>

#include "pg/base/failpoint.hpp"
#include "pg/base/ids.hpp"
#include "pg/sender/client_limit_check.hpp"
#include "pg/sender/presend_check.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/start_requests.hpp"
#include "pg/shared/shared_state.hpp"

// The duty of the pre-send check of claims, and the start of their requests.

namespace coach_sms {

namespace {

// So many checks of a batch fail in a row before the batch is put back.
constexpr int kMostFailures = 3;

Checked* checked_rows;
AttemptResult* returned_rows;
int failures;  // in a row

AttemptResult result_of(const Claimed& claimed, const Checked& checked) {
  AttemptResult result{};
  static_cast<Claim&>(result) = claimed;
  result.when = checked.when;
  if (checked.reason != nullptr) result.error_code = pstrdup(checked.reason);
  return result;
}

// Holds the org if its route cannot be used, and releases it otherwise. A message with its own
// sender may be sent although the org has none; it does not change the hold.
void apply_org_hold(Sender* sender, const OrgRoute& route, bool is_sent) {
  if (is_sent && route.why_held != nullptr) return;
  raise_if(run_cpp([&] {
    const Uuid org = to_core(route.org_id);
    if (route.why_held == nullptr) return sender->holds->clear_org(HoldRule::kOrg, org);
    sender->lanes->hold(org, route.held_until);
    sender->holds->set_org(HoldRule::kOrg, org,
                           {route.why_held, route.shown_until, route.is_trouble});
  }));
}

// Requeues claims that were planned by other settings than the current ones, so that they are
// planned again.
void check_versions(Sender* sender, const Claimed* claimed, int count, Checked* checked) {
  raise_if(run_cpp([&] {
    std::set<Uuid> changed;
    for (int i = 0; i < count; ++i) {
      const Uuid& org = claimed[i].org;
      if (checked[i].verdict != Verdict::kSend ||
          sender->limits->is_current(org, checked[i].route->version))
        continue;
      checked[i].verdict = Verdict::kRequeue;
      checked[i].when = claimed[i].due_at;
      changed.insert(org);
    }
    for (const Uuid& org : changed)
      sender->limits->forget_rules(org);
  }));
}

void note_requeued(Sender* sender, const Claimed& claimed, TimestampTz when) {
  raise_if(run_cpp([&] {
    sender->lanes->note({claimed.org, claimed.zone, claimed.priority}, when);
  }));
}

// Puts the claim back into the queue with the next record, not due before `not_before`.
void give_back(Sender* sender, const Claimed& claimed, TimestampTz not_before = DT_NOBEGIN) {
  const TimestampTz due_at = claimed.due_at > not_before ? claimed.due_at : not_before;
  raise_if(run_cpp([&] {
    Task task;
    static_cast<Claim&>(task) = claimed;
    task.zone = claimed.zone;
    task.due_at = due_at;
    sender->dispatch->give_back(std::move(task));
  }));
}

void requeue_all(const Claimed* claimed, int count) {
  for (int i = 0; i < count; ++i) {
    checked_rows[i].verdict = Verdict::kRequeue;
    checked_rows[i].when = claimed[i].due_at;
  }
}

// Gives back the claims that may not be sent now, or ends them.
void return_claims(const Claimed* claimed, int count) {
  SendingTables tables;
  tables.open();
  for (int i = 0; i < count; ++i) {
    if (checked_rows[i].verdict == Verdict::kSend) continue;
    returned_rows[i] = result_of(claimed[i], checked_rows[i]);
    if (checked_rows[i].verdict == Verdict::kCancel)
      cancel(&returned_rows[i], &tables);
    else
      requeue(&returned_rows[i], &tables);
  }
  tables.close();
}

void check(void* state) {
  auto* sender = static_cast<Sender*>(state);
  FAILPOINT("after-claim");
  const int count = sender->claimed_count;
  // Read before any snapshot of this step: see note_recall().
  for (int i = 0; i < count; ++i)
    sender->claimed[i].recalls = read_recalls(recall_counter_of(sender->claimed[i].to_phone));
  checked_rows = static_cast<Checked*>(palloc0(sizeof(Checked) * count));
  returned_rows = static_cast<AttemptResult*>(palloc0(sizeof(AttemptResult) * count));
  const char* why;
  const Mode mode = read_mode(&why);
  if (mode != sender->mode) sender->sweep_wanted = true;
  check_claimed(sender->claimed, count, mode == Mode::kSandbox, checked_rows);
  check_bookings(sender->claimed, count, bookings_are_unreadable(), checked_rows);
  check_versions(sender, sender->claimed, count, checked_rows);
  check_client_limits(sender->claimed, count, mode == Mode::kSandbox, checked_rows);
  if (mode == Mode::kNotArmed) requeue_all(sender->claimed, count);
  if (std::any_of(checked_rows, checked_rows + count,
                  [](const Checked& row) { return row.verdict != Verdict::kSend; }))
    return_claims(sender->claimed, count);
  FAILPOINT("before-check-commit");
}

// Starts the requests. Call it after the step with the check has committed.
void start_checked(Sender* sender) {
  FAILPOINT("before-connect");
  const int count = sender->claimed_count;
  sender->claimed_count = 0;
  report_unsent(0);
  start_requests(sender, sender->claimed, count, checked_rows);
  for (int i = 0; i < count; ++i) {
    wipe_route(checked_rows[i].route);
    apply_org_hold(sender, *checked_rows[i].route, checked_rows[i].verdict == Verdict::kSend);
    if (checked_rows[i].verdict == Verdict::kSend) continue;
    if (!returned_rows[i].recorded)
      give_back(sender, sender->claimed[i]);
    else if (checked_rows[i].verdict == Verdict::kRequeue)
      note_requeued(sender, sender->claimed[i], checked_rows[i].when);
  }
}

// Puts back claims whose check keeps failing, due a minute from now and a second apart. One of them
// is bad, and the others must not be claimed together with it again.
void give_back_apart(Sender* sender) {
  const TimestampTz not_before = GetCurrentTimestamp() + USECS_PER_MINUTE;
  for (int i = 0; i < sender->claimed_count; ++i)
    give_back(sender, sender->claimed[i], not_before + i * USECS_PER_SEC);
  sender->claimed_count = 0;
}

void begin() {
  failures = 0;
}

TimestampTz next_at(const Sender& sender, TimestampTz now) {
  return sender.claimed_count > 0 && !should_stop() ? now : DT_NOEND;
}

// Checks the batch. If the check keeps failing, the batch is put back for a while, so that one bad
// row cannot block all sending.
bool run(Sender* sender) {
  if (step(sender, kCheckDuty.name, check)) {
    failures = 0;
    start_checked(sender);
    drive(sender);  // sends the bytes before the other duties run
    return true;
  }
  if (sender->context->extension_status == ExtensionStatus::kUsable &&
      ++failures == kMostFailures) {
    failures = 0;
    give_back_apart(sender);
  }
  return false;
}

}  // namespace

const Duty kCheckDuty{"checking before sending", begin, next_at, run, nullptr};

void give_back_claimed(Sender* sender) {
  for (int i = 0; i < sender->claimed_count; ++i)
    give_back(sender, sender->claimed[i]);
  sender->claimed_count = 0;
}

}  // namespace coach_sms
