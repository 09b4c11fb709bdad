#include "pg/sender/duties.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/sender/org_route.hpp"
#include "pg/sender/reconcile_step.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/unsettled.hpp"
#include "pg/settings.hpp"
#include "pg/shared/commit_signals.hpp"

// Starts list searches for unknown messages: for those that have been due longest, as many as their
// account has room for. If the account is held or has no token, the search is postponed and does
// not count as a listing.

namespace coach_sms {

namespace {

constexpr int kMostRows = 1000;                   // in one step
constexpr int64 kPause = 100 * INT64CONST(1000);  // microseconds; where there was no room for all
// Changed settings make the search due at once. This is for a token that came in another way.
constexpr int64 kWithoutToken = 5 * USECS_PER_MINUTE;

TimestampTz again_at;  // when more searches start; DT_NOEND: with the next housekeeping

struct Due {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  int64 fence;
  char* to;
  TimestampTz claimed_at;
  TimestampTz lease_until;
  char* account_sid;  // "" of a restored claim, which names no account
  TimestampTz not_asked_since;
  // The result of this step.
  bool changed;
  TimestampTz next;
  char* not_asked;  // why the search was postponed; nullptr: it was started
};

// Removes claims that a callback has settled without knowing of their row, and writes their
// attempts. Runs once a minute at most.
void tidy_settled() {
  static Statement tidy{
      R"sql(
      WITH known AS (
       DELETE FROM @internal@.sms_in_flight f USING @extschema@.sms_messages m
        WHERE f.state = 'unknown' AND m.id = f.message_id AND m.status NOT IN ('sending', 'unknown')
       RETURNING f.*, m.provider_message_id)
       INSERT INTO @extschema@.sms_attempts (message_id, attempt_number, provider_message_id,
         request_payload, response_status, status, org_id, client_key, segments, duration_ms)
       SELECT message_id, attempt_number, provider_message_id, settlement->'request',
         (settlement->>'http_status')::int, 'success', org_id, client_key, segments,
         (settlement->>'duration_ms')::int FROM known RETURNING segments)sql",
      {}};
  static TimestampTz tidied_at = 0;
  if (GetCurrentTimestamp() - tidied_at <= USECS_PER_MINUTE) return;
  const uint64 tidied = tidy.run();
  for (uint64 row = 0; row < tidied; ++row)
    note_segments(int_column(row, 1));
  tidied_at = GetCurrentTimestamp();
}

// Makes postponed searches due now, after a change of settings.
void make_unasked_due() {
  static Statement update{
      R"sql(
      UPDATE @internal@.sms_in_flight SET next_look_at = now() WHERE message_id IN (
       SELECT message_id FROM @internal@.sms_in_flight
        WHERE state = 'unknown' AND not_asked IS NOT NULL AND next_look_at > now()
        FOR UPDATE SKIP LOCKED))sql",
      {}};
  update.run();
}

// Finds the due searches, the first of each account, so that no account displaces the others.
// Returns their number.
int find_due(Due** due) {
  static Statement find{
      R"sql(
      WITH ranked AS MATERIALIZED (
       SELECT message_id, org_id, fence, claimed_at, lease_until, account_sid, next_look_at,
         not_asked_since,
         row_number() OVER (PARTITION BY account_sid ORDER BY next_look_at, message_id) AS place
         FROM @internal@.sms_in_flight
        WHERE state = 'unknown' AND next_look_at <= now())
       SELECT r.message_id, r.org_id, r.fence, m.to_phone, r.claimed_at, r.lease_until,
         coalesce(r.account_sid, ''), r.not_asked_since
         FROM ranked r JOIN @extschema@.sms_messages m
           ON m.id = r.message_id AND m.org_id = r.org_id
        WHERE r.place <= $1 ORDER BY r.next_look_at, r.message_id LIMIT $2)sql",
      {INT4OID, INT4OID}};
  const int count = static_cast<int>(find.run(settings::max_in_flight_per_account, kMostRows));
  *due = static_cast<Due*>(palloc0(sizeof(Due) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i) {
    const auto row = static_cast<uint64>(i);
    (*due)[i].message_id = uuid_column(row, 1);
    (*due)[i].org_id = uuid_column(row, 2);
    (*due)[i].fence = bigint_column(row, 3);
    (*due)[i].to = text_column(row, 4);
    (*due)[i].claimed_at = time_column(row, 5, 0);
    (*due)[i].lease_until = time_column(row, 6, 0);
    (*due)[i].account_sid = text_column(row, 7);
    (*due)[i].not_asked_since = time_column(row, 8, DT_NOEND);
  }
  return count;
}

void postpone(Due* due, TimestampTz until, char* why) {
  due->changed = true;
  due->next = until;
  due->not_asked = why;
}

// Returns how many microseconds a search may take; it is not started again before.
int64 reserve() {
  const int64 request =
      INT64CONST(1000) * (settings::connect_timeout + settings::request_timeout + 1000);
  const int64 delay = INT64CONST(1000) * settings::reconcile_delay;
  return request > delay ? request : delay;
}

// Starts the search of one message, or postpones it. Returns false where its account has no room
// now.
bool search_for(Sender* sender, const OrgRoute& from, Due* due) {
  const TimestampTz now = GetCurrentTimestamp();
  // Another account's list would not show the message, and its absence would prove nothing.
  if (from.token[0] == '\0' ||
      (due->account_sid[0] != '\0' && strcmp(from.account_sid, due->account_sid) != 0)) {
    postpone(due, now + kWithoutToken,
             pstrdup("there is no token for the account that it was sent with"));
    return true;
  }
  int64 held_until = 0;
  bool started = false;
  raise_if(run_cpp([&] {
    Dispatch& dispatch = *sender->dispatch;
    const Route route{from.account_sid, Secret(from.token), {}, {}};
    ListSearch search;
    search.message = to_core(due->message_id);
    search.org = to_core(due->org_id);
    search.fence = due->fence;
    search.to = due->to;
    search.claimed_at = due->claimed_at;
    search.started_at = GetCurrentTimestamp();
    held_until = dispatch.searches_held_until(route);
    started = dispatch.is_searching(search.message);  // by a step that was rolled back
    if (started || held_until > GetCurrentTimestamp() || dispatch.room_to_search(route) <= 0)
      return;
    dispatch.search_list(std::move(search), route);
    started = true;
  }));
  if (started) {
    due->changed = true;
    due->next = now + reserve();
  } else if (held_until > now) {
    postpone(due, held_until, pstrdup("its account is held"));
  }
  return due->changed;
}

// Returns the org's route, which is read once, however many messages the org has.
OrgRoute* route_for(const pg_uuid_t& org_id, OrgRoute** routes, int* count) {
  for (int i = *count - 1; i >= 0; --i)
    if (memcmp(&routes[i]->org_id, &org_id, UUID_LEN) == 0) return routes[i];
  return routes[(*count)++] = find_route(org_id, true);
}

void note(const Due* due, int count) {
  static Statement update{
      R"sql(
      UPDATE @internal@.sms_in_flight f
         SET next_look_at = n.at, not_asked = coalesce(n.not_asked, f.not_asked),
             not_asked_since = CASE WHEN n.not_asked IS NULL THEN f.not_asked_since
                                    ELSE coalesce(f.not_asked_since, now()) END
        FROM unnest($1, $2, $3, $4) AS n (message_id, fence, at, not_asked)
       WHERE f.message_id = n.message_id AND f.fence = n.fence AND f.message_id IN (
         SELECT message_id FROM @internal@.sms_in_flight
          WHERE message_id = ANY ($1) AND state = 'unknown' FOR UPDATE SKIP LOCKED))sql",
      {UUIDARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID}};
  if (count == 0) return;
  update.run(uuids_of(
                 count, [&](int i) -> auto& { return due[i].message_id; }),
             array_of(INT8OID, count, [&](int i, bool*) { return Int64GetDatum(due[i].fence); }),
             array_of(TIMESTAMPTZOID, count,
                      [&](int i, bool*) { return TimestampTzGetDatum(due[i].next); }),
             texts_of(count, [&](int i) { return due[i].not_asked; }));
}

}  // namespace

void start_searches(Sender* sender) {
  const TimestampTz now = GetCurrentTimestamp();
  again_at = DT_NOEND;
  if (!has_unknown()) return;
  tidy_settled();
  Due* due;
  if (sender->settings_changed) make_unasked_due();
  const int count = find_due(&due);
  auto** routes = static_cast<OrgRoute**>(palloc(sizeof(void*) * static_cast<Size>(count + 1)));
  int route_count = 0;
  int changed = 0;
  bool more = count >= settings::max_in_flight_per_account;
  for (int i = 0; i < count; ++i) {
    if (!search_for(sender, *route_for(due[i].org_id, routes, &route_count), &due[i])) more = true;
    if (!due[i].changed) continue;
    if (due[i].not_asked != nullptr && is_unasked_too_long(due[i].not_asked_since))
      end_unasked(due[i].message_id, due[i].fence, due[i].not_asked);
    else
      due[changed++] = due[i];
  }
  for (int i = 0; i < route_count; ++i)
    wipe_route(routes[i]);
  note(due, changed);
  if (more) again_at = now + kPause;
}

namespace {

void search_more(void* state) {
  auto* sender = static_cast<Sender*>(state);
  again_at = DT_NOEND;
  if (sender->mode == Mode::kLive) start_searches(sender);
}

void begin() {
  again_at = DT_NOEND;
}

TimestampTz next_at(const Sender&, TimestampTz) {
  return should_stop() ? DT_NOEND : again_at;
}

bool run(Sender* sender) {
  if (step(sender, kListSearchDuty.name, search_more)) searches_were_started(sender);
  return true;
}

void clock_set_back(Sender*, TimestampTz) {
  again_at = 0;
}

}  // namespace

const Duty kListSearchDuty{"searching Twilio's lists", begin, next_at, run, clock_set_back};

void searches_were_started(Sender* sender) {
  if (sender->mode == Mode::kLive) sender->settings_changed = false;
}

}  // namespace coach_sms
