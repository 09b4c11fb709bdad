#include "core/sending/backoff.hpp"

#include "pg/sender/results.hpp"

#include "pg/base/ids.hpp"
#include "pg/sender/storable_text.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

char* copy_text(const std::string& text) {
  return text.empty() ? nullptr : storable(copy_out(text));
}

// Returns the microseconds until the next try, or until the first list search.
int64 delay_us(const FinishedTask& finished, double random_01) {
  if (finished.settlement.outcome == Outcome::kUnknown)
    return INT64CONST(1000) * settings::reconcile_delay;
  const RetryPolicy policy{std::chrono::milliseconds(settings::retry_base_delay),
                           std::chrono::milliseconds(settings::retry_max_delay)};
  // A 429 or a bad token concerns the account: its hold decides, not the message's own count.
  if (!finished.settlement.counts_as_attempt)
    return std::chrono::microseconds(finished.settlement.retry_after).count();
  const auto delay =
      retry_delay(policy, finished.task.failures + 1, finished.settlement.retry_after, random_01);
  return std::chrono::microseconds(delay).count();
}

void copy_result(const FinishedTask& finished, double random_01, AttemptResult* result) {
  const Settlement& settlement = finished.settlement;
  static_cast<Claim&>(*result) = finished.task;
  result->sid = copy_text(settlement.provider_message_id);
  result->error_code = copy_text(settlement.error_code);
  result->error_message = copy_text(settlement.error_message);
  result->request = copy_text(finished.request);
  result->response = copy_text(finished.response);
  result->http_status = finished.http_status;
  result->duration_ms = finished.duration_ms;
  result->segments = settlement.segments;
  result->when = finished.started ? GetCurrentTimestamp() + delay_us(finished, random_01)
                                  : finished.task.due_at;
  if (settlement.counts_as_attempt && finished.started) ++result->failures;
  result->outcome = settlement.outcome;
  result->waited = finished.task.waited.value_or(-1);
  result->started = finished.started;
  result->account_trouble = settlement.account_trouble;
  result->sender_trouble = settlement.sender_trouble;
  result->server_trouble = settlement.server_trouble;
}

// Counts the result for the limits: Twilio took the message or may have, or provably did not.
void count_result(SendLimits* limits, const FinishedTask& finished) {
  const Settlement& settlement = finished.settlement;
  if (finished.started &&
      (settlement.outcome == Outcome::kAccepted || !settlement.provider_message_id.empty()))
    limits->settled(finished.task.message, GetCurrentTimestamp(), settlement.segments);
  else if (!finished.started || settlement.outcome != Outcome::kUnknown)
    limits->released(finished.task.message);
}

}  // namespace

int copy_results(Sender* sender, int limit, AttemptResult** results) {
  std::deque<FinishedTask>& finished = sender->dispatch->finished();
  const int count =
      finished.size() < static_cast<std::size_t>(limit) ? static_cast<int>(finished.size()) : limit;
  *results = static_cast<AttemptResult*>(palloc0(sizeof(AttemptResult) * (count + 1)));
  AttemptResult* out = *results;
  raise_if(run_cpp([&] {
    for (int i = 0; i < count; ++i)
      copy_result(finished[static_cast<size_t>(i)], static_cast<double>(random() % 1000) / 1000,
                  &out[i]);
  }));
  return count;
}

void forget_recorded(Sender* sender, const AttemptResult* results, int count) {
  const Failure failure = run_cpp([&] {
    Dispatch& dispatch = *sender->dispatch;
    std::deque<FinishedTask>& finished = dispatch.finished();
    std::deque<FinishedTask> kept;
    for (int i = 0; i < count; ++i) {
      FinishedTask& one = finished[static_cast<size_t>(i)];
      if (!results[i].recorded) {
        kept.push_back(std::move(one));
        continue;
      }
      dispatch.let_go(one.task.message);
      count_result(sender->limits, one);
      if (one.settlement.outcome == Outcome::kRetry)
        sender->lanes->note({one.task.org, one.task.zone, one.task.priority}, results[i].when);
    }
    finished.erase(finished.begin(), finished.begin() + count);
    for (FinishedTask& one : kept)
      finished.push_back(std::move(one));  // behind the results that can be recorded
  });
  raise_if(failure);
}

}  // namespace coach_sms
