#include "core/reconcile.hpp"
#include "core/twilio_response.hpp"

#include "pg/reconcile_step.hpp"

#include "pg/arrays.hpp"
#include "pg/clock.hpp"
#include "pg/ids.hpp"
#include "pg/sandbox_delivery.hpp"
#include "pg/settings.hpp"
#include "pg/shared_state.hpp"
#include "pg/statement.hpp"

namespace coach_sms {

namespace {

constexpr int kLooksAtOnce = 20;
// A list that cannot be read for this many times reconcile_limit is not waited for any longer.
constexpr int kGiveUpAfterLimits = 10;

bool unsettled = false;       // unknown messages
bool events_waiting = false;  // callbacks that are not applied yet

// An unknown message as it stands when its listing has come back.
struct Unknown {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  int64 fence;
  int failures;
  int looks;  // listings so far that were read to their end and showed nothing
  TimestampTz claimed_at;
  TimestampTz lease_until;
  TimestampTz looked_at;  // when the listing began
  char* body;
  bool may_resend;
};

bool read_unknown(const pg_uuid_t& id, int64 fence, Unknown* unknown) {
  static Statement read{
      "SELECT f.org_id, f.failures, f.looks, f.claimed_at, f.lease_until,"
      "       m.body, coalesce(s.unknown_policy, 'hold') = 'resend_if_absent'"
      "  FROM @extschema@.sms_in_flight f JOIN @extschema@.sms_messages m ON m.id = f.message_id"
      "  LEFT JOIN @extschema@.sms_settings s ON s.org_id = f.org_id"
      " WHERE f.message_id = $1 AND f.fence = $2 AND f.state = 'unknown'",
      {UUIDOID, INT8OID}};
  if (read.run({UUIDPGetDatum(&id), Int64GetDatum(fence)}) == 0) return false;
  unknown->message_id = id;
  unknown->fence = fence;
  unknown->org_id = uuid_column(0, 1);
  unknown->failures = int_column(0, 2);
  unknown->looks = int_column(0, 3);
  unknown->claimed_at = time_column(0, 4, 0);
  unknown->lease_until = time_column(0, 5, 0);
  unknown->body = text_column(0, 6);
  unknown->may_resend = bool_column(0, 7);
  return true;
}

// The SIDs among those listed that other messages of ours have: two texts alike are told apart by
// it.
int read_known_sids(const Unknown& unknown, char** sids, int count, char*** known) {
  static Statement read{
      "SELECT provider_message_id FROM @extschema@.sms_attempts"
      " WHERE provider_message_id = ANY ($1) AND message_id <> $2"
      " UNION SELECT provider_message_id FROM @extschema@.sms_events"
      " WHERE provider_message_id = ANY ($1) AND message_id <> $2",
      {TEXTARRAYOID, UUIDOID}};
  *known = nullptr;
  if (count == 0) return 0;
  const uint64 found = read.run(
      {texts_of(count, [&](int i) { return sids[i]; }), UUIDPGetDatum(&unknown.message_id)});
  *known = static_cast<char**>(palloc(sizeof(char*) * (found + 1)));
  for (uint64 row = 0; row < found; ++row)
    (*known)[row] = text_column(row, 1);
  return static_cast<int>(found);
}

// --- what a listing leads to --------------------------------------------------------------------

enum class Finding { kFound, kFoundFailed, kAbsent, kSeveral, kUnreadable };

void record_one(const Unknown& unknown, Settled* settled, Finding finding) {
  settled->message_id = unknown.message_id;
  settled->org_id = unknown.org_id;
  settled->fence = unknown.fence;
  settled->failures = static_cast<int16>(unknown.failures + 1);
  settled->when = GetCurrentTimestamp();
  const SettledRows rows{unknown.org_id, &settled, 1};
  if (finding == Finding::kFound)
    record_sent(rows, "twilio");
  else if (finding == Finding::kFoundFailed)
    record_failed(rows, "twilio", "permanent_error");
  else if (finding == Finding::kAbsent)
    record_retry(rows, "twilio", "unknown");
  else
    record_failed(rows, "twilio", "unknown");
}

void give_up(const Unknown& unknown, Finding finding, const char* message) {
  Settled settled{};
  settled.error_code = pstrdup("outcome_unknown");
  settled.error_message = pstrdup(message);
  record_one(unknown, &settled, finding);
}

void resend(Sender* sender, const Unknown& unknown) {
  Settled settled{};
  record_one(unknown, &settled, Finding::kAbsent);
  sender->sweep_wanted = true;
}

void look_again(const Unknown& unknown, bool absent) {
  static Statement update{
      "UPDATE @extschema@.sms_in_flight SET looks = looks + $3, next_look_at = $4"
      " WHERE message_id = $1 AND fence = $2 AND state = 'unknown'",
      {UUIDOID, INT8OID, INT4OID, TIMESTAMPTZOID}};
  const int64 delay = INT64CONST(1000) * settings::reconcile_delay;
  const TimestampTz limit =
      unknown.lease_until + INT64CONST(1000) * settings::reconcile_limit + 1000;
  const TimestampTz now = GetCurrentTimestamp();
  // Looks that showed nothing are counted; where they show something, or cannot be made at all, the
  // pause is as long as all that has passed.
  int64 pause = delay << (unknown.looks < 5 ? unknown.looks : 5);
  if (!absent && now - unknown.lease_until > pause) pause = now - unknown.lease_until;
  if (pause > delay << 5) pause = delay << 5;
  TimestampTz next = now + pause;
  if (next > limit && now < limit) next = limit;
  update.run({UUIDPGetDatum(&unknown.message_id), Int64GetDatum(unknown.fence),
              Int32GetDatum(absent ? 1 : 0), TimestampTzGetDatum(next)});
}

bool past_limits(const Unknown& unknown, int limits) {
  return GetCurrentTimestamp() >
         unknown.lease_until + INT64CONST(1000) * settings::reconcile_limit * limits;
}

void settle_absent(Sender* sender, const Unknown& unknown) {
  AbsenceVerdict verdict = AbsenceVerdict::kLookAgain;
  raise_if(run_cpp([&] {
    verdict = judge_absence({unknown.looks + 1, to_unix_us(unknown.looked_at) / USECS_PER_SEC},
                            to_unix_us(unknown.lease_until) / USECS_PER_SEC,
                            settings::reconcile_limit / 1000);
  }));
  if (verdict == AbsenceVerdict::kLookAgain)
    look_again(unknown, true);
  else if (!unknown.may_resend)
    give_up(unknown, Finding::kSeveral,
            "Twilio's list does not show it; the org's unknown_policy is hold");
  else if (unknown.failures + 1 >= settings::max_attempts)
    give_up(unknown, Finding::kSeveral, "Twilio's list does not show it; no attempts are left");
  else
    resend(sender, unknown);
}

Finding judge(const Looked& looked, const Unknown& unknown, std::string_view body, char** known,
              int known_count, Settled* settled) {
  if (!looked.error.empty()) return Finding::kUnreadable;
  Finding finding = Finding::kAbsent;
  raise_if(run_cpp([&] {
    const std::vector<std::string> known_sids(known, known + known_count);
    const Match match =
        find_match(looked.listed, body, to_unix_us(unknown.claimed_at) / USECS_PER_SEC, known_sids);
    if (match.sighting == Sighting::kSeveral) finding = Finding::kSeveral;
    if (match.sighting != Sighting::kOne) return;
    const Settlement found = settle_message(*match.message);
    finding = found.outcome == Outcome::kRejected ? Finding::kFoundFailed : Finding::kFound;
    settled->sid = copy_out(found.provider_message_id);
    settled->segments = found.segments;
    if (!found.error_code.empty()) settled->error_code = copy_out(found.error_code);
    if (!found.error_message.empty()) settled->error_message = copy_out(found.error_message);
  }));
  return finding;
}

void settle_one(Sender* sender, const Looked& looked) {
  pg_uuid_t id;
  id = to_pg(looked.look.message);
  Unknown unknown{};
  if (!read_unknown(id, looked.look.fence, &unknown)) return;  // a callback was faster
  unknown.looked_at = from_unix_us(looked.look.started_at);
  const int count = static_cast<int>(looked.listed.size());
  auto** sids = static_cast<char**>(palloc(sizeof(char*) * (count + 1)));
  for (int i = 0; i < count; ++i)
    sids[i] = pstrdup(looked.listed[static_cast<size_t>(i)].sid.c_str());
  char** known;
  const int known_count = read_known_sids(unknown, sids, count, &known);
  Settled settled{};
  const Finding finding =
      judge(looked, unknown, utf8_view(unknown.body), known, known_count, &settled);
  switch (finding) {
    case Finding::kFound:
    case Finding::kFoundFailed:
      return record_one(unknown, &settled, finding);
    case Finding::kAbsent:
      return settle_absent(sender, unknown);
    case Finding::kSeveral:
      if (past_limits(unknown, 1))
        return give_up(unknown, finding, "Twilio's list shows several messages that it could be");
      return look_again(unknown, false);
    case Finding::kUnreadable:
      if (past_limits(unknown, kGiveUpAfterLimits))
        return give_up(unknown, finding, "Twilio's list could not be read");
      return look_again(unknown, false);
  }
}

// A callback may have settled the message without knowing of this row: then there is nothing to
// look for.
void tidy_settled() {
  static Statement tidy{
      "WITH known AS ("
      " DELETE FROM @extschema@.sms_in_flight f USING @extschema@.sms_messages m"
      "  WHERE f.state = 'unknown' AND m.id = f.message_id AND m.status NOT IN ('sending', "
      "'unknown')"
      " RETURNING f.*, m.provider_message_id)"
      " INSERT INTO @extschema@.sms_attempts (message_id, attempt_number, provider_message_id,"
      "   request_payload, response_status, status, org_id, client_key, segments, duration_ms)"
      " SELECT message_id, attempt_number, provider_message_id, settlement->'request',"
      "   (settlement->>'http_status')::int, 'success', org_id, client_key, segments,"
      "   (settlement->>'duration_ms')::int FROM known",
      {}};
  static TimestampTz tidied_at = 0;
  if (GetCurrentTimestamp() - tidied_at <= USECS_PER_MINUTE) return;
  tidy.run(std::initializer_list<Datum>{});
  tidied_at = GetCurrentTimestamp();
}

}  // namespace

void expire_lost_leases(Sender* sender) {
  int count = 0;
  const auto room =
      static_cast<Size>(sender->dispatch->in_hand()) + static_cast<Size>(sender->claimed_count) + 1;
  auto* ids = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * room));
  raise_if(run_cpp([&] {
    for (const Uuid& id : sender->dispatch->messages_in_hand())
      ids[count++] = to_pg(id);
  }));
  for (int i = 0; i < sender->claimed_count; ++i)
    ids[count++] = sender->claimed[i].message_id;
  expire_leases(ids, count, false);
}

void start_looks(Sender* sender) {
  static Statement find{
      "UPDATE @extschema@.sms_in_flight f SET next_look_at = now() + $1 * interval '1 millisecond'"
      "  FROM @extschema@.sms_messages m"
      " WHERE m.id = f.message_id AND f.message_id IN ("
      "   SELECT message_id FROM @extschema@.sms_in_flight"
      "    WHERE state = 'unknown' AND next_look_at <= now()"
      "    ORDER BY next_look_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
      " RETURNING f.message_id, f.org_id, f.fence, m.to_phone, f.claimed_at,"
      "   coalesce(f.account_sid, '')",
      {INT4OID, INT4OID}};
  if (!unsettled) return;
  tidy_settled();
  const int under_way = static_cast<int>(sender->dispatch->looks());
  if (under_way >= kLooksAtOnce) return;
  const int reserve = settings::connect_timeout + settings::request_timeout + 1000;
  const uint64 count = find.run(
      {Int32GetDatum(reserve > settings::reconcile_delay ? reserve : settings::reconcile_delay),
       Int32GetDatum(kLooksAtOnce - under_way)});
  SPITupleTable* rows = SPI_tuptable;
  for (uint64 row = 0; row < count; ++row) {
    SPI_tuptable = rows;
    const pg_uuid_t id = uuid_column(row, 1);
    const pg_uuid_t org_id = uuid_column(row, 2);
    const int64 fence = bigint_column(row, 3);
    const char* to = text_column(row, 4);
    const TimestampTz claimed_at = time_column(row, 5, 0);
    const char* account_sid = text_column(row, 6);
    OrgRoute* from = find_route(org_id);
    // Another account's list would show nothing, and prove nothing. A restored claim names none.
    const bool usable = from->token[0] != '\0' &&
                        (account_sid[0] == '\0' || strcmp(from->account_sid, account_sid) == 0);
    raise_if(run_cpp([&] {
      Look look;
      look.message = to_core(id);
      look.org = to_core(org_id);
      look.fence = fence;
      look.to = to;
      look.claimed_at = to_unix_us(claimed_at);
      look.started_at = unix_now_us();
      if (sender->dispatch->is_looking(look.message)) return;  // of a step that was rolled back
      if (usable)
        sender->dispatch->look(std::move(look), {from->account_sid, Secret(from->token), {}, {}});
      else
        sender->dispatch->cannot_look(std::move(look), "no token for the account it was sent with");
    }));
    wipe_route(from);
  }
}

void looked_step(void* state) {
  auto* sender = static_cast<Sender*>(state);
  settle_one(sender, sender->dispatch->looked().front());
}

void count_unsettled() {
  static Statement count{
      "SELECT EXISTS (SELECT FROM @extschema@.sms_in_flight WHERE state = 'unknown'),"
      "       EXISTS (SELECT FROM @extschema@.sms_events WHERE processed_at IS NULL"
      "               AND received_at > now() - CASE WHEN message_id IS NULL"
      "                     THEN interval '10 minutes' ELSE interval '1 day' END)",
      {}};
  count.run(std::initializer_list<Datum>{});
  unsettled = bool_column(0, 1);
  events_waiting = bool_column(0, 2);
}

void note_unsettled() {
  unsettled = true;
}

bool has_unsettled() {
  return unsettled || events_waiting || has_sandbox_deliveries();
}

bool events_wait() {
  return events_waiting;
}

}  // namespace coach_sms
