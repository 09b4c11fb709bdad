#include "pg/sender/duties.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/storable_text.hpp"

// The duty that publishes in sms_holds why messages wait, so that views only read it.

namespace coach_sms {

namespace {

constexpr int kMostChanges = 1000;
constexpr int64 kPauseAfterFailure = 5 * USECS_PER_SEC;

bool table_is_ours;    // no row of an earlier sender is left in sms_holds
TimestampTz again_at;  // the next try, after a failure

struct HoldRow {
  char* key;
  const char* rule;
  pg_uuid_t org_id;
  const char* zone;  // nullptr: the hold is not of one lane
  int priority;
  bool of_all_orgs;
  TimestampTz until;
  bool is_trouble;
  const char* why;      // nullptr: the hold has ended
  const char* account;  // nullptr: it is of no account
};

HoldRow row_of(const HoldChange& change) {
  const HoldKey& key = change.key;
  HoldRow row{};
  row.rule = word_for(key.rule);
  row.of_all_orgs = !key.org;
  if (key.org) row.org_id = to_pg(*key.org);
  if (key.zone) row.zone = copy_out(*key.zone);
  row.priority = key.priority;
  row.key = copy_out(name_of(key));
  if (!change.hold) return row;
  row.until = change.hold->until;
  row.is_trouble = change.hold->is_trouble;
  row.why = storable(copy_out(change.hold->why));
  if (!change.hold->account.empty()) row.account = copy_out(change.hold->account);
  return row;
}

void delete_all() {
  static Statement clear{"DELETE FROM @internal@.sms_holds", {}};
  clear.run();
  table_is_ours = true;
}

void delete_rows(const HoldRow* rows, int count) {
  static Statement remove{"DELETE FROM @internal@.sms_holds WHERE key = ANY ($1)", {TEXTARRAYOID}};
  remove.run(texts_of(count, [&](int i) { return rows[i].key; }));
}

// Inserts the rows. Times in `why` are in the zone of the hold's hours.
void insert_rows(const HoldRow* rows, int count) {
  static Statement insert{
      R"sql(
      INSERT INTO @internal@.sms_holds (key, rule, org_id, zone, priority, until, is_trouble, account, why)
       SELECT h.key, h.rule, h.org_id, h.zone, h.priority::smallint, h.until, h.is_trouble, h.account,
         h.why || CASE WHEN h.until < 'infinity' AND h.rule <> 'max_segments_per_second'
           THEN to_char(h.until AT TIME ZONE z.zone, '", until "YYYY-MM-DD HH24:MI ') || z.zone
           ELSE '' END
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
           AS h (key, rule, org_id, zone, priority, until, is_trouble, why, account)
         LEFT JOIN @extschema@.sms_settings s ON s.org_id = h.org_id
        CROSS JOIN LATERAL (SELECT @internal@.sms_known_zone(
          coalesce(nullif(nullif(h.zone, ''), '*'), s.timezone, 'UTC')) AS zone) z
        WHERE h.why IS NOT NULL)sql",
      {TEXTARRAYOID, TEXTARRAYOID, UUIDARRAYOID, TEXTARRAYOID, INT4ARRAYOID, TIMESTAMPTZARRAYOID,
       BOOLARRAYOID, TEXTARRAYOID, TEXTARRAYOID}};
  insert.run(
      texts_of(count, [&](int i) { return rows[i].key; }),
      texts_of(count, [&](int i) { return rows[i].rule; }),
      array_of(UUIDOID, count,
               [&](int i, bool* is_null) {
                 *is_null = rows[i].of_all_orgs;
                 return UUIDPGetDatum(&rows[i].org_id);
               }),
      texts_of(count, [&](int i) { return rows[i].zone; }),
      array_of(INT4OID, count,
               [&](int i, bool* is_null) {
                 *is_null = rows[i].zone == nullptr;
                 return Int32GetDatum(rows[i].priority);
               }),
      array_of(TIMESTAMPTZOID, count,
               [&](int i, bool*) { return TimestampTzGetDatum(rows[i].until); }),
      array_of(BOOLOID, count, [&](int i, bool*) { return BoolGetDatum(rows[i].is_trouble); }),
      texts_of(count, [&](int i) { return rows[i].why; }),
      texts_of(count, [&](int i) { return rows[i].account; }));
}

void publish(void* state) {
  auto* sender = static_cast<Sender*>(state);
  // The rows are for monitoring only. A crash may lose them, and the next sender publishes all
  // again.
  (void)set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                          true, 0, false);
  if (!table_is_ours) delete_all();
  auto* rows = static_cast<HoldRow*>(palloc(sizeof(HoldRow) * kMostChanges));
  int count = 0;
  raise_if(run_cpp([&] {
    for (const HoldChange& change : sender->holds->changes(kMostChanges))
      rows[count++] = row_of(change);
  }));
  if (count == 0) return;
  delete_rows(rows, count);
  insert_rows(rows, count);
}

void begin() {
  table_is_ours = false;
  again_at = 0;
}

TimestampTz next_at(const Sender& sender, TimestampTz) {
  return table_is_ours && !sender.holds->has_changes() ? DT_NOEND : again_at;
}

// Publishes the changes. A failure delays this duty alone, and no sending.
bool run(Sender* sender) {
  const bool was_ours = table_is_ours;
  if (watched_step(sender, kHoldsDuty.name, publish)) {
    raise_if(run_cpp([&] { sender->holds->published(kMostChanges); }));
  } else {
    table_is_ours = was_ours;
    again_at = GetCurrentTimestamp() + kPauseAfterFailure;
  }
  return true;
}

void clock_set_back(Sender*, TimestampTz) {
  again_at = 0;
}

}  // namespace

const Duty kHoldsDuty{"publishing why messages wait", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
