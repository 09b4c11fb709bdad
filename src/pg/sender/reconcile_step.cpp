#include "core/twilio/list_match.hpp"
#include "core/twilio/twilio_response.hpp"

#include "pg/sender/duties.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/failpoint.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/sender/reconcile_step.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/storable_text.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

namespace coach_sms {

namespace {

// An unknown message at the time when its list search has ended.
struct Unknown {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  int64 fence;
  int failures;
  int listings;  // complete ones so far that did not show it
  TimestampTz claimed_at;
  TimestampTz lease_until;
  TimestampTz searched_at;  // when the search began
  char* body;
  bool may_resend;
  char* inconclusive;  // result of the latest listings in a row; nullptr: not shown
  int inconclusive_count;
  TimestampTz inconclusive_at;
  TimestampTz not_asked_since;
};

bool read_unknown(const pg_uuid_t& id, int64 fence, Unknown* unknown) {
  static Statement read{
      R"sql(
      SELECT f.org_id, f.failures, f.looks, f.claimed_at, f.lease_until,
             m.body, coalesce(s.unknown_policy, 'hold') = 'resend_if_absent',
             f.inconclusive, f.inconclusive_count, f.inconclusive_at, f.not_asked_since
        FROM @internal@.sms_in_flight f JOIN @extschema@.sms_messages m ON m.id = f.message_id
        LEFT JOIN @extschema@.sms_settings s ON s.org_id = f.org_id
       WHERE f.message_id = $1 AND f.fence = $2 AND f.state = 'unknown')sql",
      {UUIDOID, INT8OID}};
  if (read.run(id, fence) == 0) return false;
  unknown->message_id = id;
  unknown->fence = fence;
  unknown->org_id = uuid_column(0, 1);
  unknown->failures = int_column(0, 2);
  unknown->listings = int_column(0, 3);
  unknown->claimed_at = time_column(0, 4, 0);
  unknown->lease_until = time_column(0, 5, 0);
  unknown->body = text_column(0, 6);
  unknown->may_resend = bool_column(0, 7);
  unknown->inconclusive = text_column(0, 8);
  unknown->inconclusive_count = int_column(0, 9);
  unknown->inconclusive_at = time_column(0, 10, 0);
  unknown->not_asked_since = time_column(0, 11, DT_NOEND);
  return true;
}

// Finds which of the listed SIDs belong to other messages of ours. They tell apart two messages
// with the same text.
int read_known_sids(const Unknown& unknown, char** sids, int count, char*** known) {
  static Statement read{
      R"sql(
      SELECT provider_message_id FROM @extschema@.sms_attempts
       WHERE provider_message_id = ANY ($1) AND message_id <> $2
       UNION SELECT provider_message_id FROM @extschema@.sms_events
       WHERE provider_message_id = ANY ($1) AND message_id <> $2)sql",
      {TEXTARRAYOID, UUIDOID}};
  *known = nullptr;
  if (count == 0) return 0;
  const uint64 found =
      read.run(texts_of(count, [&](int i) { return sids[i]; }), unknown.message_id);
  *known = static_cast<char**>(palloc(sizeof(char*) * (found + 1)));
  for (uint64 row = 0; row < found; ++row)
    (*known)[row] = text_column(row, 1);
  return static_cast<int>(found);
}

// --- what a listing leads to --------------------------------------------------------------------

enum class Finding { kFound, kFoundFailed, kAbsent, kSeveral, kUnreadable, kNotAsked };

void record_one(const Unknown& unknown, AttemptResult* row, Finding finding) {
  row->message = to_core(unknown.message_id);
  row->org = to_core(unknown.org_id);
  row->fence = unknown.fence;
  row->failures = unknown.failures + 1;
  row->when = GetCurrentTimestamp();
  SendingTables tables;
  tables.open();
  if (finding == Finding::kFound)
    record_sent(row, "twilio", &tables);
  else if (finding == Finding::kFoundFailed)
    record_failed(row, "twilio", "permanent_error", &tables);
  else if (finding == Finding::kAbsent)
    record_retry(row, "twilio", "unknown", &tables);
  else
    record_failed(row, "twilio", "unknown", &tables);
  tables.close();
}

void give_up(const Unknown& unknown, Finding finding, const char* message) {
  AttemptResult row{};
  row.error_code = pstrdup("outcome_unknown");
  row.error_message = pstrdup(message);
  record_one(unknown, &row, finding);
}

void resend(Sender* sender, const Unknown& unknown) {
  AttemptResult row{};
  record_one(unknown, &row, Finding::kAbsent);
  sender->sweep_wanted = true;
}

// The state of an unknown message's row until the next search.
struct Noted {
  const char* inconclusive;  // nullptr: the list was read, and did not show it
  int count;
  TimestampTz counted_at;
  const char* not_asked;
};

// Returns the time of the next search. Pauses double with each complete listing that did not show
// the message. After other results a pause is as long as the time since the lease ended. One search
// falls right after the limit.
TimestampTz next_search(const Unknown& unknown, bool absent) {
  const int64 delay = INT64CONST(1000) * settings::reconcile_delay;
  const int64 limit = INT64CONST(1000) * settings::reconcile_limit;
  const TimestampTz now = GetCurrentTimestamp();
  int64 pause = delay << (unknown.listings < 5 ? unknown.listings : 5);
  if (!absent) {
    if (now - unknown.lease_until > pause) pause = now - unknown.lease_until;
    if (pause > limit && limit > delay) pause = limit;
  }
  if (pause > delay << 5) pause = delay << 5;
  const TimestampTz late_enough = unknown.lease_until + limit + 1000;
  const TimestampTz next = now + pause;
  return next > late_enough && now < late_enough ? late_enough : next;
}

void search_again(const Unknown& unknown, TimestampTz next, bool absent, const Noted& noted) {
  static Statement update{
      R"sql(
      UPDATE @internal@.sms_in_flight SET looks = looks + $3, next_look_at = $4,
         inconclusive = $5, inconclusive_count = $6, inconclusive_at = $7, not_asked = $8,
         not_asked_since = CASE WHEN $8 IS NOT NULL THEN coalesce(not_asked_since, now()) END
       WHERE message_id = $1 AND fence = $2 AND state = 'unknown')sql",
      {UUIDOID, INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID}};
  update.run(unknown.message_id, unknown.fence, absent ? 1 : 0, next, noted.inconclusive,
             noted.count, Parameter(noted.counted_at, noted.inconclusive != nullptr),
             noted.not_asked);
}

void give_up_unasked(const Unknown& unknown, const char* why) {
  give_up(unknown, Finding::kNotAsked,
          psprintf("Twilio's list was not asked within coach_sms.max_wait: %s", why));
}

// Postpones a search that could not be made. The results of earlier searches stay.
void settle_not_asked(const Unknown& unknown, const ListSearchResult& result) {
  const char* why = storable(pstrdup(result.error.c_str()));
  if (is_unasked_too_long(unknown.not_asked_since)) return give_up_unasked(unknown, why);
  search_again(unknown, result.held_until > 0 ? result.held_until : next_search(unknown, false),
               false,
               {unknown.inconclusive, unknown.inconclusive_count, unknown.inconclusive_at, why});
}

void settle_absent(Sender* sender, const Unknown& unknown) {
  AbsenceVerdict verdict = AbsenceVerdict::kLookAgain;
  raise_if(run_cpp([&] {
    verdict = judge_absence({unknown.listings + 1, unix_seconds(unknown.searched_at)},
                            unix_seconds(unknown.lease_until), settings::reconcile_limit / 1000);
  }));
  if (verdict == AbsenceVerdict::kLookAgain)
    search_again(unknown, next_search(unknown, true), true, {});
  else if (!unknown.may_resend)
    give_up(unknown, Finding::kSeveral,
            "Twilio's list does not show it; the org's unknown_policy is hold");
  else if (unknown.failures + 1 >= settings::max_attempts)
    give_up(unknown, Finding::kSeveral, "Twilio's list does not show it; no attempts are left");
  else
    resend(sender, unknown);
}

// Counts a search that settled nothing, and gives the message up after too many.
void settle_inconclusive(const Unknown& unknown, Finding finding) {
  const bool several = finding == Finding::kSeveral;
  const Sighting sighting = several ? Sighting::kSeveral : Sighting::kNone;
  Inconclusive listings;
  bool given_up = false;
  raise_if(run_cpp([&] {
    if (unknown.inconclusive != nullptr)
      listings = {unknown.inconclusive_count, unknown.inconclusive_at,
                  strcmp(unknown.inconclusive, "several") == 0};
    listings = count_inconclusive(listings, sighting, GetCurrentTimestamp(),
                                  INT64CONST(1000) * settings::reconcile_limit);
    given_up = is_given_up(listings, sighting);
  }));
  if (given_up)
    give_up(unknown, finding,
            several ? "Twilio's list shows several messages that match"
                    : "Twilio's list could not be read");
  else
    search_again(unknown, next_search(unknown, false), false,
                 {listings.several ? "several" : "unreadable", listings.count, listings.counted_at,
                  nullptr});
}

Finding read_listing(const ListSearchResult& result, const Unknown& unknown, std::string_view body,
                     char** known, int known_count, AttemptResult* row) {
  if (!result.asked) return Finding::kNotAsked;
  if (!result.error.empty()) return Finding::kUnreadable;
  Finding finding = Finding::kAbsent;
  raise_if(run_cpp([&] {
    const std::vector<std::string> known_sids(known, known + known_count);
    const Match match =
        find_match(result.listed, body, unix_seconds(unknown.claimed_at), known_sids);
    if (match.sighting == Sighting::kSeveral) finding = Finding::kSeveral;
    if (match.sighting != Sighting::kOne) return;
    const Settlement found = settle_message(*match.message);
    finding = found.outcome == Outcome::kRejected ? Finding::kFoundFailed : Finding::kFound;
    row->sid = copy_out(found.provider_message_id);
    row->segments = found.segments;
    if (!found.error_code.empty()) row->error_code = copy_out(found.error_code);
    if (!found.error_message.empty()) row->error_message = copy_out(found.error_message);
  }));
  return finding;
}

void settle_one(Sender* sender, const ListSearchResult& result) {
  const pg_uuid_t id = to_pg(result.search.message);
  Unknown unknown{};
  if (!read_unknown(id, result.search.fence, &unknown)) return;  // a callback has settled it
  unknown.searched_at = result.search.started_at;
  const int count = static_cast<int>(result.listed.size());
  auto** sids = static_cast<char**>(palloc(sizeof(char*) * (count + 1)));
  for (int i = 0; i < count; ++i)
    sids[i] = pstrdup(result.listed[static_cast<size_t>(i)].sid.c_str());
  char** known;
  const int known_count = read_known_sids(unknown, sids, count, &known);
  AttemptResult row{};
  const Finding finding =
      read_listing(result, unknown, utf8_view(unknown.body), known, known_count, &row);
  switch (finding) {
    case Finding::kFound:
    case Finding::kFoundFailed:
      return record_one(unknown, &row, finding);
    case Finding::kAbsent:
      return settle_absent(sender, unknown);
    case Finding::kSeveral:
    case Finding::kUnreadable:
      return settle_inconclusive(unknown, finding);
    case Finding::kNotAsked:
      return settle_not_asked(unknown, result);
  }
}

void settle_first(void* state) {
  auto* sender = static_cast<Sender*>(state);
  settle_one(sender, sender->dispatch->search_results().front());
  FAILPOINT("before-settle-commit");
}

TimestampTz next_at(const Sender& sender, TimestampTz now) {
  return sender.dispatch->search_results().empty() ? DT_NOEND : now;
}

// Settles one result in each step, so that none blocks the others. Each result is used once,
// whether its step succeeds or fails: an unknown message is searched again.
bool run(Sender* sender) {
  while (!sender->dispatch->search_results().empty()) {
    const bool settled = step(sender, kReconcileDuty.name, settle_first);
    raise_if(run_cpp([&] { sender->dispatch->forget_first_result(); }));
    if (!settled) return false;
  }
  return true;
}

}  // namespace

const Duty kReconcileDuty{"settling an unknown message", nullptr, next_at, run, nullptr};

bool is_unasked_too_long(TimestampTz not_asked_since) {
  return not_asked_since != DT_NOEND &&
         GetCurrentTimestamp() - not_asked_since > settings::max_wait * USECS_PER_SEC;
}

void end_unasked(const pg_uuid_t& id, int64 fence, const char* why) {
  Unknown unknown{};
  if (!read_unknown(id, fence, &unknown)) return;
  give_up_unasked(unknown, why);
}

}  // namespace coach_sms
