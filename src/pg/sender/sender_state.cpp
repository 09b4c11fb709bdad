#include "core/sending/backoff.hpp"

#include "pg/sender/sender_state.hpp"

#include "pg/base/clock.hpp"
#include "pg/base/failpoint.hpp"
#include "pg/base/ids.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

namespace coach_sms {

namespace {

std::chrono::milliseconds milliseconds(int value) {
  return std::chrono::milliseconds(value);
}

Task make_task(const Claimed& row, std::string_view to, std::string_view from,
               std::string_view body) {
  Task task;
  task.message = to_core(row.message_id);
  task.org = to_core(row.org_id);
  task.fence = row.fence;
  task.attempt = row.attempt;
  task.failures = row.failures;
  task.zone = row.zone;
  task.priority = row.priority;
  task.to = to;
  task.from = from;
  task.body = body;
  task.due_at = to_unix_us(row.due_at);
  task.claimed_at = to_unix_us(row.claimed_at);
  task.lease_until = to_unix_us(row.lease_until);
  task.expires_at = to_unix_us(row.expires_at);
  task.sandbox = row.sandbox;
  task.recall = {recall_counter_of(row.to_phone), row.recalls};
  return task;
}

char* copy_text(const std::string& text) {
  return text.empty() ? nullptr : storable(copy_out(text));
}

// After how long a message goes again, or is looked for first.
int64 delay_us(const FinishedTask& finished, double random_01) {
  if (finished.settlement.outcome == Outcome::kUnknown)
    return INT64CONST(1000) * settings::reconcile_delay;
  const RetryPolicy policy{milliseconds(settings::retry_base_delay),
                           milliseconds(settings::retry_max_delay)};
  // A 429 or a bad token is the account's affair: its hold decides, not the message's own count.
  if (!finished.settlement.counts_as_attempt)
    return std::chrono::microseconds(finished.settlement.retry_after).count();
  const auto delay =
      retry_delay(policy, finished.task.failures + 1, finished.settlement.retry_after, random_01);
  return std::chrono::microseconds(delay).count();
}

void copy_row(const FinishedTask& finished, double random_01, FinishedRow* row) {
  const Settlement& settlement = finished.settlement;
  Settled& settled = row->settled;
  settled.message_id = to_pg(finished.task.message);
  settled.org_id = to_pg(finished.task.org);
  settled.fence = finished.task.fence;
  settled.sid = copy_text(settlement.provider_message_id);
  settled.error_code = copy_text(settlement.error_code);
  settled.error_message = copy_text(settlement.error_message);
  settled.request = copy_text(finished.request);
  settled.response = copy_text(finished.response);
  settled.http_status = finished.http_status;
  settled.duration_ms = finished.duration_ms;
  settled.segments = settlement.segments;
  settled.when = from_unix_us(finished.started ? unix_now_us() + delay_us(finished, random_01)
                                               : finished.task.due_at);
  settled.failures = static_cast<int16>(finished.task.failures +
                                        (settlement.counts_as_attempt && finished.started ? 1 : 0));
  settled.recorded = false;
  row->outcome = settlement.outcome;
  row->started = finished.started;
  row->sandbox = finished.task.sandbox;
  row->account_trouble = settlement.account_trouble;
  row->sender_trouble = settlement.sender_trouble;
  row->server_trouble = settlement.server_trouble;
  row->attempt = finished.task.attempt;
}

// Runs inside run_cpp. The budget of a month is the one limit that depends on the size of the
// message.
void start_one(Sender* sender, Task task, int segments, const Route& route) {
  SendLimits& limits = *sender->limits;
  Holds& holds = *sender->holds;
  if (!limits.fits(task.org, segments)) {
    holds.set_org(HoldRule::kBudget, task.org, limits.budget_hold(task.org));
    sender->lanes->hold(task.org, limits.budget_again_at(task.org, unix_now_us()));
    return sender->dispatch->give_back(std::move(task));
  }
  holds.clear_org(HoldRule::kBudget, task.org);
  const std::int64_t now = unix_now_us();
  task.quiet_at = limits.next_quiet_at({task.org, task.zone, task.priority}, now);
  limits.started(task.org, task.message, segments, now);
  sender->dispatch->send(std::move(task), route);
}

// What a result means for the limits: Twilio took it or may have, or provably not.
void tell_limits(SendLimits* limits, const FinishedTask& finished) {
  const Settlement& settlement = finished.settlement;
  if (finished.started &&
      (settlement.outcome == Outcome::kAccepted || !settlement.provider_message_id.empty()))
    limits->settled(finished.task.message, unix_now_us(), settlement.segments);
  else if (!finished.started || settlement.outcome != Outcome::kUnknown)
    limits->released(finished.task.message);
}

}  // namespace

char* storable(char* text) {
  if (text == nullptr || GetDatabaseEncoding() == PG_UTF8) return text;
  for (char* byte = text; *byte != '\0'; ++byte)
    if (IS_HIGHBIT_SET(*byte)) *byte = '?';
  return text;
}

DispatchOptions dispatch_options() {
  DispatchOptions options;
  options.http.connect_timeout = milliseconds(settings::connect_timeout);
  options.http.request_timeout =
      milliseconds(settings::connect_timeout + settings::request_timeout);
  options.http.ca_file = settings::ca_file;
  options.http.proxy = settings::proxy;
  options.http.max_connections_per_host = settings::max_in_flight;
  options.http.max_response_bytes = 1024 * 1024;  // a page of a listing; a Message is 1 kB
  options.http.user_agent = "coach_sms/";
  options.http.user_agent += library_version();
  options.http.is_recalled = [](const RecallMark& mark) {
    return read_recalls(mark.counter) != mark.seen;
  };
#ifdef COACH_SMS_FAILPOINTS
  options.http.before_send = [] { FAILPOINT("connected"); };
#endif
  options.api_url = settings::twilio_api_url;
  options.public_url = settings::public_url;
  options.max_in_flight = settings::max_in_flight;
  options.max_in_flight_per_account = settings::max_in_flight_per_account;
  // Whatever leaves is answered or given up before its lease ends.
  options.send_margin = INT64CONST(1000) * (settings::connect_timeout + settings::request_timeout);
  return options;
}

void start_requests(Sender* sender, const Claimed* claimed, int count, const Checked* checked) {
  for (int i = 0; i < count; ++i) {
    if (checked[i].verdict != Verdict::kSend) continue;
    const Claimed& row = claimed[i];
    const OrgRoute& from = *checked[i].route;
    const std::string_view to = utf8_view(row.to_phone);
    const std::string_view own_from = utf8_view(row.from_phone);
    const std::string_view body = utf8_view(row.body);
    const Failure failure = run_cpp([&] {
      const Route route{from.account_sid, Secret(from.token), from.messaging_service_sid,
                        from.from};
      start_one(sender, make_task(row, to, own_from, body), row.segments, route);
    });
    if (failure.failed)
      ereport(WARNING, (errmsg("could not start a request: %s", failure.message),
                        errdetail("Its message is looked for at Twilio when its lease is over.")));
  }
}

int copy_finished(Sender* sender, int limit, FinishedRow** rows) {
  std::deque<FinishedTask>& finished = sender->dispatch->finished();
  const int count =
      finished.size() < static_cast<std::size_t>(limit) ? static_cast<int>(finished.size()) : limit;
  *rows = static_cast<FinishedRow*>(palloc0(sizeof(FinishedRow) * (count + 1)));
  FinishedRow* out = *rows;
  raise_if(run_cpp([&] {
    for (int i = 0; i < count; ++i)
      copy_row(finished[static_cast<size_t>(i)], static_cast<double>(random() % 1000) / 1000,
               &out[i]);
  }));
  return count;
}

void forget_recorded(Sender* sender, const FinishedRow* rows, int count) {
  const Failure failure = run_cpp([&] {
    Dispatch& dispatch = *sender->dispatch;
    std::deque<FinishedTask>& finished = dispatch.finished();
    std::deque<FinishedTask> kept;
    for (int i = 0; i < count; ++i) {
      FinishedTask& one = finished[static_cast<size_t>(i)];
      if (!rows[i].settled.recorded) {
        kept.push_back(std::move(one));
        continue;
      }
      dispatch.let_go(one.task.message);
      tell_limits(sender->limits, one);
      if (one.settlement.outcome == Outcome::kRetry)
        sender->lanes->note({one.task.org, one.task.zone, one.task.priority},
                            to_unix_us(rows[i].settled.when));
    }
    finished.erase(finished.begin(), finished.begin() + count);
    for (FinishedTask& one : kept)
      finished.push_back(std::move(one));  // behind those that can go on
  });
  raise_if(failure);
}

}  // namespace coach_sms
