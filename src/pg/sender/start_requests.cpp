#include "pg/sender/start_requests.hpp"

#include <algorithm>
#include <optional>

#include "pg/base/ids.hpp"
#include "pg/base/uuids.hpp"
#include "pg/shared/shared_state.hpp"

namespace coach_sms {

namespace {

Task make_task(const Claimed& row, std::string_view to, std::string_view from,
               std::string_view body) {
  Task task;
  static_cast<Claim&>(task) = row;
  task.zone = row.zone;
  task.to = to;
  task.from = from;
  task.body = body;
  task.recall = {recall_counter_of(row.to_phone), row.recalls};
  return task;
}

// Returns how long the message has been ready for its first request: due, enqueued, and without a
// hold. While its lane has one, as that of the pace, its wait is wanted: nullopt.
std::optional<std::int64_t> wait_of(const Sender& sender, const Task& task, std::int64_t now) {
  if (task.attempt != 1) return std::nullopt;
  const auto free_since = sender.holds->free_since({task.org, task.zone, task.priority});
  if (!free_since) return std::nullopt;
  const std::int64_t ready_at =
      std::max({task.due_at, time_of_uuidv7(to_pg(task.message)), *free_since});
  return std::max<std::int64_t>(now - ready_at, 0);
}

// Starts one request, or gives the message back if the month's budget is spent. The budget is the
// only limit that depends on the message's size. Runs inside run_cpp().
void start_one(Sender* sender, Task task, int segments, const Route& route) {
  SendLimits& limits = *sender->limits;
  Holds& holds = *sender->holds;
  if (!limits.fits(task.org, segments)) {
    holds.set_org(HoldRule::kBudget, task.org, limits.budget_hold(task.org));
    sender->lanes->hold(task.org, limits.budget_again_at(task.org, GetCurrentTimestamp()));
    return sender->dispatch->give_back(std::move(task));
  }
  holds.clear_org(HoldRule::kBudget, task.org);
  const std::int64_t now = GetCurrentTimestamp();
  task.quiet_at = limits.next_quiet_at({task.org, task.zone, task.priority}, now);
  limits.started(task.org, task.message, segments, now);
  task.waited = wait_of(*sender, task, now);
  sender->dispatch->send(std::move(task), route);
}

}  // namespace

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
      ereport(WARNING,
              (errmsg("could not start a request: %s", failure.message),
               errdetail("Twilio's list is searched for its message once the lease is over.")));
  }
}

}  // namespace coach_sms
