#include "pg/sender/sender_state.hpp"

#include <algorithm>

#include "pg/base/failpoint.hpp"
#include "pg/messages/waiting_events.hpp"
#include "pg/sender/results.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/trouble_log.hpp"
#include "pg/sender/unsettled.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// Records the results of requests.

namespace coach_sms {

namespace {

// Milliseconds after which a result is tried again whose message was locked.
constexpr int kLockedPause = 100;
// Microseconds for which results wait for more results: a commit costs as much as the records of
// ten messages.
constexpr int64 kLinger = 1000;
// So many times a result is recorded alone before it is given up.
constexpr int kMostTriesAlone = 5;

struct {
  AttemptResult* rows;  // results of the step under way; in Sender::turn
  int count;
  int locked;                   // results at the end of the queue whose message is locked
  TimestampTz locked_again_at;  // when these are tried again
  TimestampTz fresh_since;      // when the oldest other result came; 0: there is none
  int failures;                 // in a row; above 0, results are recorded one by one
  int left_alone;               // so many results are still to be recorded alone
} recording;

// Returns whether there are results other than those whose message was locked at their last try.
bool has_fresh_results(const Sender& sender) {
  return sender.dispatch->finished().size() > static_cast<std::size_t>(recording.locked);
}

enum class Kind { kSent, kFailed, kRetry, kUnknown, kRequeue };

Kind kind_of(const AttemptResult& row) {
  if (!row.started) return Kind::kRequeue;
  switch (row.outcome) {
    case Outcome::kAccepted:
      return Kind::kSent;
    case Outcome::kRejected:
      return Kind::kFailed;
    case Outcome::kRetry:
      return row.failures < settings::max_attempts ? Kind::kRetry : Kind::kFailed;
    case Outcome::kUnknown:
      break;
  }
  return Kind::kUnknown;
}

void record_one(AttemptResult* row, SendingTables* tables) {
  const char* provider = row->sandbox ? "sandbox" : "twilio";
  const bool for_good = row->outcome == Outcome::kRejected;
  switch (kind_of(*row)) {
    case Kind::kSent:
      return record_sent(row, provider, tables);
    case Kind::kFailed:
      return record_failed(row, provider, for_good ? "permanent_error" : "transient_error", tables);
    case Kind::kRetry:
      return record_retry(row, provider, "transient_error", tables);
    case Kind::kUnknown:
      note_unknown();
      return record_unknown(row, tables);
    case Kind::kRequeue:
      return requeue(row, tables);
  }
}

void count_results(const AttemptResult* rows, int count) {
  static constexpr Counter kCounterOf[] = {Counter::kAccepted, Counter::kRejected,
                                           Counter::kRetried, Counter::kUnknown};
  for (int i = 0; i < count; ++i) {
    if (!rows[i].started || !rows[i].recorded) continue;
    add_to_counter(kCounterOf[static_cast<int>(kind_of(rows[i]))], 1);
    count_latency(Latency::kRequest, static_cast<int64>(rows[i].duration_ms) * 1000);
    if (rows[i].waited >= 0) count_latency(Latency::kCommitToRequest, rows[i].waited);
  }
}

void record_results(Sender* sender, int limit, AttemptResult** rows, int* count) {
  *count = copy_results(sender, limit, rows);
  SendingTables tables;
  tables.open();
  for (int i = 0; i < *count; ++i) {
    log_trouble_of((*rows)[i]);
    record_one(&(*rows)[i], &tables);
  }
  tables.close();
}

// Applies callbacks that came before the record of their SID.
void apply_early_events(const AttemptResult* rows, int count) {
  auto* sids = static_cast<const char**>(palloc(sizeof(char*) * (count + 1)));
  int known = 0;
  for (int i = 0; i < count; ++i)
    if (rows[i].sid != nullptr && rows[i].recorded) sids[known++] = rows[i].sid;
  if (known > 0) apply_events_of(sids, known);
}

// Puts the first result behind the others. One that keeps failing is dropped; its message then
// becomes unknown and is reconciled.
void set_aside_first(Sender* sender) {
  const char* sid = sender->dispatch->finished().front().settlement.provider_message_id.c_str();
  ereport(LOG, (errmsg("a result could not be recorded alone; Twilio's SID: %s",
                       sid[0] != '\0' ? sid : "none")));
  raise_if(run_cpp([&] {
    std::deque<FinishedTask>& finished = sender->dispatch->finished();
    FinishedTask first = std::move(finished.front());
    finished.pop_front();
    if (++first.records_failed < kMostTriesAlone)
      finished.push_back(std::move(first));
    else
      sender->dispatch->let_go(first.task.message);
  }));
}

}  // namespace

void begin_recording() {
  recording = {};
}

void recording_clock_set_back(TimestampTz now) {
  recording.locked_again_at = 0;
  if (recording.fresh_since != 0) recording.fresh_since = now;
}

void note_results(const Sender& sender) {
  if (!has_fresh_results(sender))
    recording.fresh_since = 0;
  else if (recording.fresh_since == 0)
    recording.fresh_since = GetCurrentTimestamp();
}

bool records_one_by_one() {
  return recording.failures > 0;
}

// Returns when to record. A commit pays when there are many results, when they have waited, or when
// no request is in flight.
TimestampTz next_record_at(const Sender& sender, TimestampTz now) {
  const std::size_t finished = sender.dispatch->finished().size();
  if (finished == 0) return DT_NOEND;
  if (!has_fresh_results(sender)) return recording.locked_again_at;
  if (finished >= static_cast<std::size_t>(settings::batch_size) ||
      finished * 2 >= static_cast<std::size_t>(settings::max_in_flight) ||
      sender.dispatch->in_flight() == 0 || recording.fresh_since == 0)
    return now;
  return recording.fresh_since + kLinger;
}

void record_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  recording.count = 0;
  if (sender->dispatch->finished().empty()) return;
  FAILPOINT("after-answer");
  int count = 0;
  const int limit = records_one_by_one() ? 1 : settings::batch_size * 4;
  record_results(sender, limit, &recording.rows, &count);
  apply_early_events(recording.rows, count);
  recording.count = count;
  FAILPOINT("before-record-commit");
}

void forget_what_was_recorded(Sender* sender) {
  const int count = recording.count;
  recording.count = 0;
  if (count == 0) return;
  FAILPOINT("after-record");
  note_refusals(recording.rows, count);
  count_results(recording.rows, count);
  note_sandbox_deliveries(recording.rows, count);
  recording.locked =
      static_cast<int>(std::count_if(recording.rows, recording.rows + count,
                                     [](const AttemptResult& row) { return !row.recorded; }));
  recording.locked_again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kLockedPause);
  recording.fresh_since = 0;
  forget_recorded(sender, recording.rows, count);
}

// Returns to batches once every result has been tried on its own. Locked results do not block the
// others.
void recording_went_well(const Sender& sender) {
  if (sender.dispatch->finished().empty() || --recording.left_alone <= 0) recording.failures = 0;
}

// Records one by one from now on, except after a lock timeout: that is no fault of a result, and
// passes.
void recording_failed(Sender* sender) {
  const std::size_t finished = sender->dispatch->finished().size();
  if (sender->context->extension_status == ExtensionStatus::kUsable &&
      sender->context->last_error != ERRCODE_LOCK_NOT_AVAILABLE) {
    ++recording.failures;
    recording.left_alone = static_cast<int>(finished);
  }
  if (recording.failures >= 2 && finished > 0) set_aside_first(sender);
}

void log_unrecorded(Sender* sender) {
  for (const FinishedTask& finished : sender->dispatch->finished())
    if (!finished.settlement.provider_message_id.empty())
      ereport(LOG, (errmsg("Twilio accepted %s, and its row can no longer be written",
                           finished.settlement.provider_message_id.c_str())));
}

}  // namespace coach_sms
