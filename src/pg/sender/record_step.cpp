#include "pg/sender/sender_steps.hpp"

#include "pg/base/failpoint.hpp"
#include "pg/messages/delivery.hpp"
#include "pg/sender/reconcile_step.hpp"
#include "pg/sender/sandbox_delivery.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// Writing down what became of requests.

namespace coach_sms {

namespace {

// How long a result waits whose message an application has locked.
constexpr int kLockedPause = 100;

enum class Kind { kSent, kFailed, kRetry, kUnknown, kPutBack };

Kind kind_of(const FinishedRow& row) {
  if (!row.started) return Kind::kPutBack;
  switch (row.outcome) {
    case Outcome::kAccepted:
      return Kind::kSent;
    case Outcome::kRejected:
      return Kind::kFailed;
    case Outcome::kRetry:
      return row.settled.failures < settings::max_attempts ? Kind::kRetry : Kind::kFailed;
    case Outcome::kUnknown:
      break;
  }
  return Kind::kUnknown;
}

void record_kind(const SettledRows& results, Kind kind, bool sandbox, bool for_good) {
  const char* provider = sandbox ? "sandbox" : "twilio";
  switch (kind) {
    case Kind::kSent:
      return record_sent(results, provider);
    case Kind::kFailed:
      return record_failed(results, provider, for_good ? "permanent_error" : "transient_error");
    case Kind::kRetry:
      return record_retry(results, provider, "transient_error");
    case Kind::kUnknown:
      note_unsettled();
      return record_unknown(results);
    case Kind::kPutBack:
      return put_back(results);
  }
}

void count_results(const FinishedRow* rows, int count) {
  static constexpr Counter kCounterOf[] = {Counter::kAccepted, Counter::kRejected,
                                           Counter::kRetried, Counter::kUnknown};
  for (int i = 0; i < count; ++i) {
    if (!rows[i].started || !rows[i].settled.recorded) continue;
    coach_sms::count(kCounterOf[static_cast<int>(kind_of(rows[i]))], 1);
    coach_sms::count_latency(static_cast<int64>(rows[i].settled.duration_ms) * 1000);
  }
}

// Whether the last time is a minute ago, which then is now.
bool may_tell(TimestampTz* told_at) {
  const TimestampTz now = GetCurrentTimestamp();
  if (now - *told_at < USECS_PER_MINUTE) return false;
  *told_at = now;
  return true;
}

void log_account_trouble(const FinishedRow& row) {
  static TimestampTz told_at = 0;
  if (!may_tell(&told_at)) return;
  ereport(LOG, (errmsg("Twilio refuses an account's credentials: error %s", row.settled.error_code),
                errdetail("Its messages wait; one is tried from time to time."),
                errhint("Set the right token with sms_set_twilio_credentials() or in the file "
                        "coach_sms.twilio_auth_token_file.")));
  report_error("Twilio refuses an account's credentials");
}

void log_sender_trouble(const FinishedRow& row) {
  static TimestampTz told_at = 0;
  if (!may_tell(&told_at)) return;
  ereport(LOG, (errmsg("Twilio refuses a sender: error %s", row.settled.error_code),
                errdetail("Its messages wait; one is tried from time to time."),
                errhint("Correct the sender in sms_settings or in the settings of the server; "
                        "sms_doctor() names it.")));
  report_error("Twilio refuses a sender");
}

void log_server_trouble(const FinishedRow& row) {
  static TimestampTz told_at = 0;
  if (!may_tell(&told_at)) return;
  const char* text =
      psprintf("this server cannot make a connection to Twilio: %s", row.settled.error_message);
  ereport(LOG, (errmsg("%s", text),
                errdetail("Messages wait and use up no attempt; one is tried "
                          "from time to time."),
                errhint("sms_doctor() says what to do: see its check \"trust\".")));
  report_error(text);
}

// Twilio out of reach, overloaded, or its answers lost. Its own words may name a person's number:
// only what libcurl says is told.
void log_trouble(const FinishedRow& row) {
  static TimestampTz told_at = 0;
  if (!may_tell(&told_at)) return;
  const bool answered = row.settled.http_status != 0 || row.settled.error_message == nullptr;
  const char* text = psprintf("requests to Twilio fail: %s%s%s", row.settled.error_code,
                              answered ? "" : ", ", answered ? "" : row.settled.error_message);
  ereport(LOG, (errmsg("%s", text), errdetail("Messages that were not taken go again, the others "
                                              "are looked for. Told once a minute.")));
  report_error(text);
}

void tell_what_is_wrong(const FinishedRow& row) {
  if (row.server_trouble) return log_server_trouble(row);
  if (row.account_trouble) return log_account_trouble(row);
  if (row.sender_trouble) return log_sender_trouble(row);
  const bool failed = row.outcome == Outcome::kRetry || row.outcome == Outcome::kUnknown;
  if (failed && row.started && !row.sandbox && row.settled.error_code != nullptr) log_trouble(row);
}

// One statement for each org and kind that is among the results.
void record_results(Sender* sender, int limit, FinishedRow** rows, int* count) {
  *count = copy_finished(sender, limit, rows);
  auto* group = static_cast<Settled**>(palloc(sizeof(void*) * (*count + 1)));
  auto* done = static_cast<bool*>(palloc0(sizeof(bool) * (*count + 1)));
  for (int first = 0; first < *count; ++first) {
    if (done[first]) continue;
    FinishedRow& leader = (*rows)[first];
    int size = 0;
    for (int i = first; i < *count; ++i) {
      FinishedRow& row = (*rows)[i];
      if (done[i] || kind_of(row) != kind_of(leader) || row.outcome != leader.outcome ||
          row.sandbox != leader.sandbox ||
          memcmp(&row.settled.org_id, &leader.settled.org_id, UUID_LEN) != 0)
        continue;
      done[i] = true;
      tell_what_is_wrong(row);
      group[size++] = &row.settled;
    }
    record_kind({leader.settled.org_id, group, size}, kind_of(leader), leader.sandbox,
                leader.outcome == Outcome::kRejected);
  }
}

// Callbacks that were faster than our own record of their SID.
void apply_early_events(const FinishedRow* rows, int count) {
  auto* sids = static_cast<const char**>(palloc(sizeof(char*) * (count + 1)));
  int known = 0;
  for (int i = 0; i < count; ++i)
    if (rows[i].settled.sid != nullptr && rows[i].settled.recorded)
      sids[known++] = rows[i].settled.sid;
  if (known > 0) apply_events_of(sids, known);
}

}  // namespace

void record_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  sender->recorded_count = 0;
  if (sender->dispatch->finished().empty()) return;
  FAILPOINT("after-answer");
  int count = 0;
  const int limit = sender->record_failures == 0 ? settings::batch_size * 4 : 1;
  record_results(sender, limit, &sender->recorded, &count);
  apply_early_events(sender->recorded, count);
  sender->recorded_count = count;
}

// What the recipients' refusals mean for the list waits for a step of its own: it may have to wait
// for locks, and recording must not. One that is lost here is refused again the next time.
static void note_refusals(Sender* sender) {
  for (int i = 0; i < sender->recorded_count && sender->refusal_count < kMostRefusals; ++i) {
    const FinishedRow& row = sender->recorded[i];
    if (row.outcome != Outcome::kRejected || row.sandbox || !row.settled.recorded ||
        row.settled.error_code == nullptr ||
        strlen(row.settled.error_code) >= sizeof(Refusal::code))
      continue;
    Refusal& refusal = sender->refusals[sender->refusal_count++];
    refusal.message_id = row.settled.message_id;
    strlcpy(refusal.code, row.settled.error_code, sizeof refusal.code);
  }
}

void refusals_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  for (int i = 0; i < sender->refusal_count; ++i)
    suppress_if_permanent(sender->refusals[i].message_id, sender->refusals[i].code);
}

void forget_what_was_recorded(Sender* sender) {
  if (sender->recorded_count == 0) return;
  note_refusals(sender);
  count_results(sender->recorded, sender->recorded_count);
  note_sandbox_deliveries(sender->recorded, sender->recorded_count);
  sender->locked = 0;
  for (int i = 0; i < sender->recorded_count; ++i)
    sender->locked += sender->recorded[i].settled.recorded ? 0 : 1;
  sender->locked_again_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kLockedPause);
  sender->finished_since = 0;
  forget_recorded(sender, sender->recorded, sender->recorded_count);
  sender->recorded_count = 0;
}

void set_aside_unrecordable(Sender* sender) {
  constexpr int kMostTries = 5;
  if (sender->record_failures < 2 || sender->dispatch->finished().empty()) return;
  const char* sid = sender->dispatch->finished().front().settlement.provider_message_id.c_str();
  ereport(LOG, (errmsg("a result could not be recorded alone; Twilio's SID: %s",
                       sid[0] != '\0' ? sid : "none")));
  raise_if(run_cpp([&] {
    std::deque<Finished>& finished = sender->dispatch->finished();
    Finished first = std::move(finished.front());
    finished.pop_front();
    if (++first.records_failed < kMostTries)
      finished.push_back(std::move(first));
    else
      sender->dispatch->let_go(first.task.message);
  }));
}

void log_unrecorded(Sender* sender) {
  for (const Finished& finished : sender->dispatch->finished())
    if (!finished.settlement.provider_message_id.empty())
      ereport(LOG, (errmsg("Twilio accepted %s, and there is nowhere left to record it",
                           finished.settlement.provider_message_id.c_str())));
}

}  // namespace coach_sms
