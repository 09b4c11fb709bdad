#include "pg/sender/limits_loader.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/time_zones.hpp"
#include "pg/base/uuids.hpp"
#include "pg/facts/sending_address.hpp"
#include "pg/limits/client_limits.hpp"
#include "pg/messages/join_sql.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

struct IdList {
  pg_uuid_t* ids;
  int count;
};

Datum array_of(const IdList& list) {
  return uuids_of(
      list.count, [&](int i) -> auto& { return list.ids[i]; });
}

// Returns the ids that `ask` lists, as plain data. `ask` runs twice, inside run_cpp().
template <typename Ask>
IdList list_of(Ask ask) {
  std::size_t count = 0;
  raise_if(run_cpp([&] { count = ask().size(); }));
  IdList list{static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * (count + 1))), 0};
  raise_if(run_cpp([&] {
    for (const Uuid& id : ask())
      list.ids[list.count++] = to_pg(id);
  }));
  return list;
}

// --- settings -----------------------------------------------------------------------------------

// Returns the account and sender by which the org sends: orgs with the same ones share a pace.
const char* sender_name_of(const pg_uuid_t& org_id) {
  SendingAddress address{};
  if (!find_address(org_id, nullptr, &address)) return "";
  return psprintf("%s|%s", address.account_sid, address.sender());
}

void read_rules(Sender* sender, const IdList& orgs) {
  static Statement read{
      R"sql(
      SELECT s.org_id, s.xmin::text || s.ctid::text, s.quiet_hours_start, s.quiet_hours_end,
             s.timezone, s.max_sms_per_hour, s.monthly_budget_segments, s.max_segments_per_second,
             date_trunc('month', now(), z.zone),
             (date_trunc('month', now() AT TIME ZONE z.zone) + interval '1 month') AT TIME ZONE
                 z.zone
        FROM @extschema@.sms_settings s
       CROSS JOIN LATERAL (SELECT @internal@.sms_known_zone(s.timezone) AS zone) z
       WHERE s.org_id = ANY ($1))sql",
      {UUIDARRAYOID}};
  const uint64 count = read.run(array_of(orgs));
  for (uint64 row = 0; row < count; ++row) {
    const pg_uuid_t org = uuid_column(row, 1);
    const char* version = text_column(row, 2);
    const char* zone = text_column(row, 5);
    const char* pace = text_column(row, 8);
    const char* sending_as = sender_name_of(org);
    bool no_start, no_end, no_limit, no_budget;
    const int start = DatumGetInt32(datum_column(row, 3, &no_start));
    const int end = DatumGetInt32(datum_column(row, 4, &no_end));
    const int limit = DatumGetInt32(datum_column(row, 6, &no_limit));
    const int budget = DatumGetInt32(datum_column(row, 7, &no_budget));
    const int64 month_starts = time_column(row, 9, 0);
    const int64 month_ends = time_column(row, 10, 0);
    raise_if(run_cpp([&] {
      OrgRules rules;
      rules.version = version;
      if (!no_start && !no_end) rules.quiet = {start, end};
      rules.zone = zone;
      if (!no_limit) rules.max_per_hour = limit;
      if (!no_budget) rules.budget = budget;
      rules.month_starts_at = month_starts;
      rules.month_ends_at = month_ends;
      if (pace != nullptr) rules.segments_per_second = std::stod(pace);
      rules.sender = sending_as;
      sender->limits->set_rules(to_core(org), std::move(rules));
    }));
  }
}

// --- what was handed over -----------------------------------------------------------------------

const char* provider_of(const Sender& sender) {
  return sender.mode == Mode::kSandbox ? "sandbox" : "twilio";
}

// Ids of version 7 begin with their time. So the last hour is a range of the primary key, and one
// scan serves all orgs.
void read_last_hour(Sender* sender, Datum orgs) {
  static constexpr auto kSql = join_sql(R"sql(
      SELECT a.org_id, a.created_at FROM @extschema@.sms_attempts a
       WHERE a.id BETWEEN $3 AND 'ffffffff-ffff-ffff-ffff-ffffffffffff'
         AND a.org_id = ANY ($1) AND a.provider = $2 AND)sql",
                                        kAttemptCounts, R"sql(
      AND a.created_at > now() - interval '1 hour')sql");
  static Statement read{kSql.data(), {UUIDARRAYOID, TEXTOID, UUIDOID}};
  constexpr int64 kSlack = USECS_PER_MINUTE;  // for clocks that differ, or are set
  const pg_uuid_t first = first_uuidv7(GetCurrentTimestamp() - USECS_PER_HOUR - kSlack);
  const uint64 count = read.run(orgs, provider_of(*sender), first);
  for (uint64 row = 0; row < count; ++row) {
    const pg_uuid_t org = uuid_column(row, 1);
    const int64 at = time_column(row, 2, 0);
    raise_if(run_cpp([&] { sender->limits->load_settled(to_core(org), at); }));
  }
}

void read_spent(Sender* sender, Datum orgs) {
  static Statement read{
      R"sql(
      WITH org AS (
       SELECT s.org_id, date_trunc('month', now() AT TIME ZONE z.zone)::date AS month
         FROM @extschema@.sms_settings s
        CROSS JOIN LATERAL (SELECT @internal@.sms_known_zone(s.timezone) AS zone) z
        WHERE s.org_id = ANY ($1) AND s.monthly_budget_segments IS NOT NULL),
       handed_over AS (
       SELECT org_id, month, provider, segments FROM @internal@.sms_charges WHERE attempt_id >= $3
       UNION ALL
       SELECT org_id, month, provider, segments FROM @extschema@.sms_usage)
       SELECT h.org_id, sum(h.segments)::bigint
         FROM org o JOIN handed_over h ON h.org_id = o.org_id AND h.month = o.month
        WHERE h.provider = $2 GROUP BY h.org_id)sql",
      {UUIDARRAYOID, TEXTOID, UUIDOID}};
  const pg_uuid_t first = first_uuidv7(GetCurrentTimestamp() - 32 * USECS_PER_DAY);
  const uint64 count = read.run(orgs, provider_of(*sender), first);
  for (uint64 row = 0; row < count; ++row) {
    const pg_uuid_t org = uuid_column(row, 1);
    const int64 segments = bigint_column(row, 2);
    raise_if(run_cpp([&] { sender->limits->load_spent(to_core(org), segments); }));
  }
}

void read_flights(Sender* sender, Datum orgs) {
  static Statement read{
      "SELECT org_id, message_id, segments FROM @internal@.sms_in_flight WHERE org_id = ANY ($1)",
      {UUIDARRAYOID}};
  const uint64 count = read.run(orgs);
  for (uint64 row = 0; row < count; ++row) {
    const pg_uuid_t org = uuid_column(row, 1);
    const pg_uuid_t message = uuid_column(row, 2);
    const int segments = int_column(row, 3);
    raise_if(
        run_cpp([&] { sender->limits->load_flight(to_core(org), to_core(message), segments); }));
  }
}

void read_past(Sender* sender, const IdList& orgs) {
  raise_if(run_cpp([&] {
    for (int i = 0; i < orgs.count; ++i)
      sender->limits->begin_past(to_core(orgs.ids[i]));
  }));
  const Datum ids = array_of(orgs);
  // Flights are read first. A message that another process settles meanwhile counts twice for a
  // while, but is not missed.
  read_flights(sender, ids);
  read_last_hour(sender, ids);
  read_spent(sender, ids);
  raise_if(run_cpp([&] {
    for (int i = 0; i < orgs.count; ++i)
      sender->limits->end_past(to_core(orgs.ids[i]));
  }));
}

// --- zones and backlogs -------------------------------------------------------------------------

void read_zone(Sender* sender, const char* name) {
  const TimestampTz now = GetCurrentTimestamp();
  const TimestampTz from = now - 3 * USECS_PER_DAY;
  const TimestampTz until = now + 4 * USECS_PER_DAY;
  if (!is_zone(name))
    ereport(LOG, (errmsg("unknown time zone \"%s\": quiet hours are kept as in UTC", name),
                  errhint("Set another in sms_settings.timezone or the message's metadata.")));
  ZoneOffset* offsets;
  const int count = zone_offsets(name, from, until, &offsets);
  raise_if(run_cpp([&] {
    std::vector<ZoneSpan> spans;
    spans.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      spans.push_back({offsets[i].from, offsets[i].seconds});
    // The offsets serve for claims until a day before their end, since the core looks ahead in
    // them.
    sender->limits->set_zone(name, std::move(spans), now - USECS_PER_HOUR, until);
  }));
}

void read_zones(Sender* sender) {
  int count = 0;
  auto** names = static_cast<char**>(palloc(sizeof(char*) * (sender->limits->planned() + 1)));
  raise_if(run_cpp([&] {
    for (const std::string& name : sender->limits->zones_wanted(GetCurrentTimestamp()))
      names[count++] = copy_out(name);
  }));
  for (int i = 0; i < count; ++i)
    read_zone(sender, names[i]);
}

struct Opened {
  LaneId lane;
  TimestampTz at;
};

void count_backlogs(Sender* sender) {
  const int64 spread = INT64CONST(1000) * settings::quiet_hours_spread;
  int count = 0;
  auto* opened = static_cast<Opened*>(palloc(sizeof(Opened) * (sender->limits->planned() + 1)));
  raise_if(run_cpp([&] {
    for (const OpenedLane& each : sender->limits->lanes_to_count(spread, GetCurrentTimestamp()))
      opened[count++] = {
          {to_pg(each.lane.org), copy_out(each.lane.zone), static_cast<int16>(each.lane.priority)},
          each.opened_at};
  }));
  for (int i = 0; i < count; ++i) {
    const Opened& each = opened[i];
    const int64 waited = count_waited(each.lane, each.at);
    raise_if(run_cpp([&] {
      sender->limits->set_backlog(
          {{to_core(each.lane.org_id), each.lane.zone, each.lane.priority}, each.at},
          static_cast<int>(waited), spread, GetCurrentTimestamp());
    }));
  }
}

}  // namespace

void load_limits(Sender* sender) {
  const int64 now = GetCurrentTimestamp();
  const IdList unknown = list_of([&] { return sender->limits->orgs_without_rules(now); });
  if (unknown.count > 0) read_rules(sender, unknown);
  const IdList without_past = list_of([&] { return sender->limits->orgs_without_past(); });
  if (without_past.count > 0) read_past(sender, without_past);
  read_zones(sender);
  count_backlogs(sender);
}

void read_settled_elsewhere(Sender* sender) {
  static constexpr auto kSql = join_sql(R"sql(
      SELECT m.id, a.created_at, coalesce(a.segments, 0)::int FROM unnest($1) AS m (id)
        LEFT JOIN LATERAL (SELECT a.created_at, a.segments FROM @extschema@.sms_attempts a
          WHERE a.message_id = m.id AND a.provider = $2 AND)sql",
                                        kAttemptCounts, R"sql(
         ORDER BY a.created_at DESC LIMIT 1) a ON true
      WHERE NOT EXISTS (SELECT FROM @internal@.sms_in_flight f WHERE f.message_id = m.id))sql");
  static Statement find{kSql.data(), {UUIDARRAYOID, TEXTOID}};
  const IdList in_flight =
      list_of([&] { return sender->dispatch->not_in_hand(sender->limits->in_flight()); });
  if (in_flight.count == 0) return;
  const uint64 count = find.run(array_of(in_flight), provider_of(*sender));
  for (uint64 row = 0; row < count; ++row) {
    const pg_uuid_t message = uuid_column(row, 1);
    const TimestampTz handed_over_at = time_column(row, 2, DT_NOBEGIN);
    const int segments = int_column(row, 3);
    raise_if(run_cpp([&] {
      if (handed_over_at != DT_NOBEGIN)
        sender->limits->settled(to_core(message), handed_over_at, segments);
      else
        sender->limits->released(to_core(message));
    }));
  }
}

}  // namespace coach_sms
