#include "core/sending/claim.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/messages/claims.hpp"

#include <algorithm>

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/consent/suppression_keys.hpp"
#include "pg/facts/sending_address.hpp"
#include "pg/messages/expiry.hpp"
#include "pg/messages/sending_tables.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

int64 new_fence() {
  int64 fence;
  if (!pg_strong_random(&fence, sizeof fence))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
  return fence == 0 ? 1 : fence;
}

namespace {

// The facts that all claims of one lane share.
struct Claiming {
  const LaneId& lane;
  int64 fence;
  int limit;
  Claimed* claimed;
  TimestampTz now = GetCurrentTimestamp();
  char* account_sid = nullptr;
  SendingTables tables{};
  int count = 0;

  bool is_full() const { return count >= limit; }
  TimestampTz lease_until() const {
    return TimestampTzPlusMilliseconds(now, settings::effective_lease_ms());
  }
};

// Opens the tables, and reads the account that the org sends with: its own, or the server's.
void begin_claiming(Claiming* claiming) {
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(claiming->lane.org_id)}},
            [&](const Row& org) { claiming->account_sid = account_of_org(org); });
  if (claiming->account_sid == nullptr) claiming->account_sid = pstrdup("");
  claiming->tables.open();
}

// Returns the client's id, or the number in its shortest form where there is none.
const char* client_key_of(const Row& message) {
  bool is_null;
  const Datum phone = message.datum(messages::kToPhone, &is_null);
  return message.is_null(messages::kClientId) ? phone_key_of(DatumGetTextPP(phone))
                                              : uuid_text(message.uuid(messages::kClientId));
}

void fill_claimed(const Claiming& claiming, const Row& message, const Row& queued, Claimed* one) {
  *one = Claimed{};
  one->message = to_core(message.uuid(messages::kId));
  one->org = to_core(claiming.lane.org_id);
  one->zone = claiming.lane.zone;
  one->fence = claiming.fence;
  one->attempt = message.number(messages::kAttemptCount);
  one->failures = queued.number(queue::kFailures);
  one->priority = claiming.lane.priority;
  one->to_phone = message.copy_text(messages::kToPhone, "");
  one->from_phone = message.copy_text(messages::kFromPhone, "");
  one->body = message.copy_text(messages::kBody, "");
  one->account_sid = claiming.account_sid;
  one->due_at = queued.time(queue::kDueAt, 0);
  one->claimed_at = claiming.now;
  one->lease_until = claiming.lease_until();
  one->expires_at = ends_at(message.time(messages::kScheduledFor, DT_NOEND),
                            message.time(messages::kExpiresAt, DT_NOEND));
  one->sandbox = message.flag(messages::kSandbox);
  one->about_booking = message.text_is(messages::kRelatedEntityType, "booking");
  one->client_key = client_key_of(message);
  one->segments = message.number(messages::kSegments);
}

void mark_sending(const Row& message, Table* table) {
  table->begin_change(message);
  table->set(messages::kStatus, Parameter("sending"));
  table->set(messages::kAttemptCount, Parameter(message.number(messages::kAttemptCount) + 1));
  table->set(messages::kUpdatedAt, Parameter(GetCurrentTransactionStartTimestamp()));
  table->update();
}

void insert_lease(const Claimed& one, Table* table) {
  namespace f = in_flight;
  table->begin_row();
  table->set(f::kMessageId, Parameter(one.message));
  table->set(f::kOrgId, Parameter(one.org));
  table->set(f::kFence, Parameter(one.fence));
  table->set(f::kAttemptNumber, Parameter(one.attempt));
  table->set(f::kFailures, Parameter(static_cast<int16>(one.failures)));
  table->set(f::kPriority, Parameter(static_cast<int16>(one.priority)));
  table->set(f::kClaimedAt, Parameter(one.claimed_at));
  table->set(f::kLeaseUntil, Parameter(one.lease_until));
  table->set(f::kAccountSid, Parameter(one.account_sid[0] != '\0' ? one.account_sid : nullptr));
  table->set(f::kClientKey, Parameter(one.client_key));
  table->set(f::kSegments, Parameter(one.segments));
  table->insert();
}

// Returns whether the row is due in the lane.
bool is_due(const Claiming& claiming, const Row& queued) {
  return queued.time(queue::kDueAt, DT_NOEND) <= claiming.now &&
         queued.number(queue::kPriority) == claiming.lane.priority &&
         queued.text_is(queue::kZone, claiming.lane.zone);
}

// Claims the message of a row of the queue. Passes over what others have locked or changed.
void claim_row(Claiming* claiming, const Row& queued) {
  if (!is_due(*claiming, queued)) return;
  SendingTables& tables = claiming->tables;
  FoundRow message;
  message.begin(&tables.messages, messages::kId, queued.uuid(queue::kMessageId));
  if (message.lock(LockTupleNoKeyExclusive) == Table::Lock::kTaken &&
      messages::is_waiting(message.row()) && tables.queue.remove(queued) == Table::Lock::kTaken) {
    Claimed& one = claiming->claimed[claiming->count++];
    mark_sending(message.row(), &tables.messages);
    fill_claimed(*claiming, tables.messages.stored(), queued, &one);
    insert_lease(one, &tables.in_flight);
  }
  message.end();
}

// Claims due rows of the lane in order, behind a place.
void claim_behind(Claiming* claiming, TimestampTz due_at, const pg_uuid_t& message_id) {
  const LaneId& lane = claiming->lane;
  Scan scan;
  scan.begin_behind(
      &claiming->tables.queue,
      {{queue::kOrgId, Parameter(lane.org_id)},
       {queue::kZone, Parameter(lane.zone)},
       {queue::kPriority, Parameter(lane.priority)}},
      {{queue::kDueAt, Parameter(due_at)}, {queue::kMessageId, Parameter(message_id)}});
  while (!claiming->is_full() && scan.next() &&
         scan.row.time(queue::kDueAt, DT_NOEND) <= claiming->now)
    claim_row(claiming, scan.row);
  scan.end();
}

}  // namespace

int claim_due(const LaneId& lane, int64 fence, TimestampTz after_due, const pg_uuid_t& after_id,
              int limit, Claimed* claimed) {
  Claiming claiming{lane, fence, limit, claimed};
  begin_claiming(&claiming);
  claim_behind(&claiming, after_due, after_id);
  claiming.tables.close();
  return claiming.count;
}

int claim_waited(const LaneId& lane, int64 fence, TimestampTz opened_at, int limit,
                 Claimed* claimed) {
  // More than wanted, because other sessions may have locked some.
  static Statement choose{
      R"sql(
      SELECT message_id FROM @internal@.sms_queue
       WHERE org_id = $1 AND zone = $2 AND priority = $3 AND due_at < $4
       ORDER BY expires_at, due_at, message_id LIMIT $5 + 100)sql",
      {UUIDOID, TEXTOID, INT2OID, TIMESTAMPTZOID, INT4OID}};
  Claiming claiming{lane, fence, limit, claimed};
  const uint64 found = choose.run(lane.org_id, lane.zone, lane.priority, opened_at, limit);
  auto* ids = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t) * (found + 1)));
  for (uint64 i = 0; i < found; ++i)
    ids[i] = uuid_column(i, 1);
  begin_claiming(&claiming);
  for (uint64 i = 0; i < found && !claiming.is_full(); ++i) {
    Scan scan;
    scan.begin(&claiming.tables.queue, {{queue::kMessageId, Parameter(ids[i])}});
    if (scan.next()) claim_row(&claiming, scan.row);
    scan.end();
  }
  claiming.tables.close();
  return claiming.count;
}

namespace {

pg_uuid_t last_uuid() {
  pg_uuid_t id;
  memset(id.data, 0xFF, UUID_LEN);
  return id;
}

}  // namespace

int64 count_waited(const LaneId& lane, TimestampTz opened_at) {
  static Statement read{
      R"sql(
      SELECT count(*) FROM @internal@.sms_queue
       WHERE org_id = $1 AND zone = $2 AND priority = $3 AND due_at < $4)sql",
      {UUIDOID, TEXTOID, INT2OID, TIMESTAMPTZOID}};
  read.run(lane.org_id, lane.zone, lane.priority, opened_at);
  return bigint_column(0, 1);
}

TimestampTz next_due_in_lane(const LaneId& lane, TimestampTz after_due, const pg_uuid_t& after_id) {
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  const pg_uuid_t last = last_uuid();
  Command command;
  command.begin();
  Table table;
  table.open(&queue::table, TableUse::kRead, &command);
  Scan scan;
  scan.begin_behind(&table,
                    {{queue::kOrgId, Parameter(lane.org_id)},
                     {queue::kZone, Parameter(lane.zone)},
                     {queue::kPriority, Parameter(lane.priority)}},
                    {{queue::kDueAt, Parameter(std::max(now, after_due))},
                     {queue::kMessageId, Parameter(now >= after_due ? last : after_id)}});
  const TimestampTz next = scan.next() ? scan.row.time(queue::kDueAt, DT_NOEND) : DT_NOEND;
  scan.end();
  table.close();
  command.end();
  return next;
}

}  // namespace coach_sms
