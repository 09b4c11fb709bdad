#include "pg/sender_steps.hpp"

#include "pg/clock.hpp"
#include "pg/failpoint.hpp"
#include "pg/ids.hpp"

// The last look at what was claimed, and the start of its requests.

namespace coach_sms {

namespace {

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
    org = to_core(org_id);
    sender->dispatch->lanes().hold(org, to_unix_us(until));
  }));
}

void note_put_back(Sender* sender, const Claimed& claimed, TimestampTz when) {
  raise_if(run_cpp([&] {
    LaneKey lane;
    lane.org = to_core(claimed.org_id);
    lane.priority = claimed.priority;
    sender->dispatch->lanes().note(lane, to_unix_us(when));
  }));
}

void give_back(Sender* sender, const Claimed& claimed) {
  raise_if(run_cpp([&] {
    Task task;
    task.message = to_core(claimed.message_id);
    task.org = to_core(claimed.org_id);
    task.fence = claimed.fence;
    task.failures = claimed.failures;
    task.due_at = to_unix_us(claimed.due_at);
    task.priority = claimed.priority;
    sender->dispatch->give_back(std::move(task));
  }));
}

}  // namespace

void check_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  FAILPOINT("after-claim");
  const int count = sender->claimed_count;
  checked_rows = static_cast<Checked*>(palloc0(sizeof(Checked) * count));
  returned_rows = static_cast<Settled*>(palloc0(sizeof(Settled) * count));
  const char* why;
  const Mode mode = read_mode(&why);
  if (mode != sender->mode) sender->sweep_wanted = true;
  check_claimed(sender->claimed, count, mode == Mode::kSandbox, checked_rows);
  if (mode == Mode::kNotArmed)
    for (int i = 0; i < count; ++i) {
      checked_rows[i].verdict = Verdict::kPutBack;
      checked_rows[i].when = sender->claimed[i].due_at;
    }
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

void give_back_claimed(Sender* sender) {
  for (int i = 0; i < sender->claimed_count; ++i)
    give_back(sender, sender->claimed[i]);
  sender->claimed_count = 0;
}

}  // namespace coach_sms
