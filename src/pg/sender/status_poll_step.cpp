#include "core/sending/status_poll_ages.hpp"

#include "pg/sender/duties.hpp"

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/messages/provider_events.hpp"
#include "pg/sender/org_route.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/storable_text.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"

// The duty of status polls. A message without an end is polled one by one, because its callback was
// lost or none can reach this server. Walks over sms_attempts find these messages, in the order of
// ids and so of times. There is one walk for each age at which a message is polled. The walks are
// kept in memory. A new sender begins each walk at the age of the next one, four times as high.

namespace coach_sms {

namespace {

constexpr int kAtOnce = 20;           // polls under way
constexpr uint64 kWalkAtOnce = 2000;  // attempts in one step of one walk
constexpr int64 kLongestPause = USECS_PER_MINUTE;
constexpr int64 kFirstWithoutWebhook = USECS_PER_MINUTE;
constexpr int kMostWalks = 40;

struct Walk {
  int64 age;
  pg_uuid_t behind;  // the last attempt that it has passed
};

struct Walks {
  Walk walk[kMostWalks];
  int count;
  int64 first_age;  // for which they were planned
};

Walks walks;
TimestampTz polled_at;  // when the walks last advanced
bool more_to_poll;      // and did not reach their end

// Returns the age of the first poll in microseconds; 0: never. If no callback can come, it is a
// minute at most.
int64 first_age() {
  const int64 delay = INT64CONST(1000) * settings::fetch_delay;
  const bool webhook = settings::public_url[0] != '\0';
  return webhook || delay < kFirstWithoutWebhook ? delay : kFirstWithoutWebhook;
}

// Returns the pause between two steps. So a poll is late by an eighth of its first age at most.
int64 pause() {
  const int64 eighth = first_age() / 8;
  return eighth < kLongestPause ? eighth : kLongestPause;
}

void plan_walks() {
  if (walks.count > 0 && walks.first_age == first_age()) return;
  int64 ages[kMostWalks];
  int count = 0;
  raise_if(run_cpp([&] {
    for (const int64 age : status_poll_ages(first_age()))
      if (count < kMostWalks) ages[count++] = age;
  }));
  const TimestampTz now = GetCurrentTimestamp();
  for (int i = 0; i < count; ++i)
    walks.walk[i] = {ages[i], first_uuidv7(now - (i + 1 < count ? ages[i + 1] : 4 * ages[i]))};
  walks.count = count;
  walks.first_age = first_age();
}

// --- polling ------------------------------------------------------------------------------------

// Finds the next attempts of a walk, and among them up to `room` messages to poll. Returns the
// number of rows. The last row has the place that the walk reached; NULL at its end.
uint64 find_candidates(const Walk& walk, const pg_uuid_t& end, int room) {
  static Statement find{
      R"sql(
      WITH walked AS MATERIALIZED (
       SELECT id, message_id, org_id, provider, provider_message_id FROM @extschema@.sms_attempts
        WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3),
       wanted AS MATERIALIZED (
       SELECT w.id, w.message_id, w.org_id, w.provider_message_id
         FROM walked w JOIN @extschema@.sms_messages m ON m.id = w.message_id
          AND m.org_id = w.org_id AND m.provider_message_id = w.provider_message_id
        WHERE w.provider = 'twilio' AND (m.status = 'sent' OR $4 AND m.price IS NULL)
        ORDER BY w.id LIMIT $5)
       SELECT * FROM wanted
       UNION ALL
       SELECT CASE WHEN (SELECT count(*) FROM wanted) = $5
                   THEN (SELECT id FROM wanted ORDER BY id DESC LIMIT 1)
                   WHEN (SELECT count(*) FROM walked) = $3
                   THEN (SELECT id FROM walked ORDER BY id DESC LIMIT 1) END, NULL, NULL, NULL)sql",
      {UUIDOID, UUIDOID, INT8OID, BOOLOID, INT8OID}};
  return find.run(walk.behind, end, int64{kWalkAtOnce}, settings::fetch_prices, int64{room});
}

// Polls one message, if there is a token. Otherwise, or if the account is held, the message is
// polled at its next age.
void poll(Sender* sender, const pg_uuid_t& message_id, const pg_uuid_t& org_id, const char* sid) {
  OrgRoute* from = find_route(org_id, true);
  if (from->token[0] != '\0')
    raise_if(run_cpp([&] {
      sender->dispatch->poll_status({to_core(message_id), to_core(org_id), sid},
                                    {from->account_sid, Secret(from->token), {}, {}});
    }));
  wipe_route(from);
}

void come_to(Walk* walk, const pg_uuid_t& id) {
  if (memcmp(id.data, walk->behind.data, UUID_LEN) > 0) walk->behind = id;
}

// Advances one walk. Returns true where it has more messages that can be polled at once.
bool walk_on(Sender* sender, Walk* walk, int room) {
  const pg_uuid_t end = first_uuidv7(GetCurrentTimestamp() - walk->age);
  const uint64 rows = find_candidates(*walk, end, room);
  bool at_end;
  datum_column(rows - 1, 1, &at_end);
  const pg_uuid_t last = at_end ? end : uuid_column(rows - 1, 1);
  SPITupleTable* found = SPI_tuptable;
  for (uint64 row = 0; row + 1 < rows; ++row) {
    SPI_tuptable = found;
    const pg_uuid_t id = uuid_column(row, 1);
    const pg_uuid_t message_id = uuid_column(row, 2);
    const pg_uuid_t org_id = uuid_column(row, 3);
    poll(sender, message_id, org_id, text_column(row, 4));
    come_to(walk, id);
  }
  come_to(walk, last);
  return !at_end;
}

int room_for_status_polls(const Sender& sender) {
  return kAtOnce -
         static_cast<int>(sender.dispatch->polls_under_way() + sender.dispatch->polled().size());
}

void poll_more(Sender* sender) {
  plan_walks();
  for (int i = 0; i < walks.count; ++i) {
    const int room = room_for_status_polls(*sender);
    if (room <= 0 || walk_on(sender, &walks.walk[i], room)) more_to_poll = true;
  }
}

// --- answers ------------------------------------------------------------------------------------

// A polled status as plain data.
struct StatusRow {
  pg_uuid_t message_id;
  pg_uuid_t org_id;
  char* sid;
  char* status;
  char* error_code;
  char* error_message;
  char* price;
  char* price_unit;
  char* dedupe_key;
  int segments;
};

int take_statuses(Sender* sender, StatusRow* statuses) {
  int count = 0;
  raise_if(run_cpp([&] {
    for (const PolledStatus& polled : sender->dispatch->polled()) {
      if (!polled.message || count == kAtOnce) continue;
      const ListedMessage& message = *polled.message;
      statuses[count++] = {to_pg(polled.poll.message),
                           to_pg(polled.poll.org),
                           copy_out(message.sid),
                           copy_out(message.status),
                           copy_out(message.error_code),
                           storable(copy_out(message.error_message)),
                           copy_out(message.price),
                           copy_out(message.price_unit),
                           copy_out(message.sid + ":" + message.status + ":fetch"),
                           message.segments};
    }
    sender->dispatch->polled().clear();
  }));
  return count;
}

// Applies a status as an event, like a callback.
void apply_status(const StatusRow& row) {
  ProviderEvent event{};
  event.has_message = event.has_org = true;
  event.message_id = row.message_id;
  event.org_id = row.org_id;
  event.provider = "twilio";
  event.type = "fetch";
  event.sid = row.sid;
  event.status = row.status;
  event.error_code = row.error_code;
  event.error_message = row.error_message;
  event.dedupe_key = row.dedupe_key;
  take_event(event);
}

// Records price and segments. A locked message is skipped; it is polled again at its next age.
void note_price(const StatusRow& row) {
  static Statement update{
      R"sql(
      UPDATE @extschema@.sms_messages SET price = coalesce(abs($4::numeric), price),
         price_unit = coalesce($5, price_unit), segments = coalesce(nullif($6, 0), segments),
         updated_at = now()
       WHERE id = (SELECT id FROM @extschema@.sms_messages
                    WHERE id = $1 AND org_id = $2 AND provider_message_id = $3
                      AND (price IS DISTINCT FROM abs($4::numeric) OR segments <> $6)
                    FOR NO KEY UPDATE SKIP LOCKED))sql",
      {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID}};
  if (row.price[0] == '\0' && row.segments == 0) return;
  update.run(row.message_id, row.org_id, row.sid, Parameter(row.price, row.price[0] != '\0'),
             Parameter(row.price_unit, row.price_unit[0] != '\0'), row.segments);
}

void poll_statuses(void* state) {
  auto* sender = static_cast<Sender*>(state);
  polled_at = GetCurrentTimestamp();
  more_to_poll = false;
  StatusRow statuses[kAtOnce];
  const int count = take_statuses(sender, statuses);
  for (int i = 0; i < count; ++i) {
    apply_status(statuses[i]);
    note_price(statuses[i]);
  }
  if (sender->mode == Mode::kLive && !should_stop()) poll_more(sender);
}

void begin() {
  walks = {};
  polled_at = 0;
  more_to_poll = false;
}

// Returns when to run. A commit pays when no poll is under way, or a good part of the answers has
// come.
TimestampTz next_at(const Sender& sender, TimestampTz now) {
  if (polled_at > now) return now;  // the clock was set back
  const auto answers = static_cast<int>(sender.dispatch->polled().size());
  if (answers > 0 && (sender.dispatch->polls_under_way() == 0 || answers * 2 >= kAtOnce))
    return now;
  if (answers > 0) return polled_at + USECS_PER_SEC;
  if (more_to_poll && room_for_status_polls(sender) > 0) return now;
  return first_age() > 0 ? polled_at + pause() : DT_NOEND;
}

bool run(Sender* sender) {
  step(sender, kStatusPollDuty.name, poll_statuses);
  return true;
}

// Begins all walks again: by another clock their places have no meaning.
void clock_set_back(Sender*, TimestampTz) {
  walks = {};
}

}  // namespace

const Duty kStatusPollDuty{"polling statuses", begin, next_at, run, clock_set_back};

}  // namespace coach_sms
