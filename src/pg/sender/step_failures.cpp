#include "pg/sender/sender_steps.hpp"

#include "pg/shared/shared_state.hpp"

// Counts the sender's steps that keep failing, and shows the state in sms_worker_stat.

namespace coach_sms {

namespace {

// A lock or a deadlock may cause fewer failures, and passes.
constexpr int kKeepsFailing = 3;

StepFailures* failures_of(Sender* sender, const char* name) {
  for (StepFailures& step : sender->step_failures) {
    if (step.name == nullptr) step.name = name;
    if (strcmp(step.name, name) == 0) return &step;
  }
  return &sender->step_failures[kMostSteps - 1];
}

bool keeps_failing(const Sender& sender) {
  for (const StepFailures& step : sender.step_failures)
    if (step.in_a_row >= kKeepsFailing) return true;
  return false;
}

}  // namespace

bool watched_step(Sender* sender, const char* name, void (*work)(void*)) {
  MemoryContextSwitchTo(sender->turn);
  const bool kept_failing = keeps_failing(*sender);
  const bool done = run_step(name, work, sender);
  StepFailures* step = failures_of(sender, name);
  if (done)
    step->in_a_row = 0;
  else if (sender->context->extension_status == ExtensionStatus::kUsable)
    ++step->in_a_row;
  if (keeps_failing(*sender) != kept_failing) show_state(*sender);
  return done;
}

bool step(Sender* sender, const char* name, void (*work)(void*)) {
  if (watched_step(sender, name, work)) {
    sender->failures = 0;
    return true;
  }
  const ExtensionStatus extension_status = sender->context->extension_status;
  if (extension_status == ExtensionStatus::kUsable) ++sender->failures;
  const int wait =
      extension_status == ExtensionStatus::kBusy ? 100 : backoff_after(sender->failures);
  sender->steps_again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait);
  sender->sweep_wanted = true;
  return false;
}

void show_state(const Sender& sender) {
  if (keeps_failing(sender))
    report_state(WorkerState::kStepFailed);
  else if (sender.mode == Mode::kNotArmed)
    report_state(WorkerState::kNotArmed);
  else
    report_state(sender.mode == Mode::kLive ? WorkerState::kLive : WorkerState::kSandbox);
}

}  // namespace coach_sms
