#include "pg/shared/commit_signals.hpp"

#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_note_due);
PG_FUNCTION_INFO_V1(coach_sms_note_retraction);
}

namespace coach_sms {

namespace {

// The notes of this transaction, for its commit. Their size is fixed: the commit callback must not
// raise an error, and so must not allocate.
struct Notes {
  int count;
  bool overflow;
  bool poke;
  bool wake_sender;
  bool wake_launcher;
  bool has_recalls;
  bool has_counts;
  Recalls recalls;
  CommitCounts<uint32> counts;
  Arrival arrivals[kMaxArrivals];
};

Notes notes;

void clear_notes() {
  notes.count = 0;
  notes.overflow = notes.poke = notes.wake_sender = notes.wake_launcher = notes.has_recalls =
      notes.has_counts = false;
  notes.recalls = Recalls{};
  notes.counts = CommitCounts<uint32>{};
}

void deliver_notes() {
  if (notes.has_recalls) publish_recalls(MyDatabaseId, notes.recalls);
  if (notes.has_counts) publish_counts(MyDatabaseId, notes.counts);
  if (notes.count > 0 || notes.overflow)
    publish_arrivals(MyDatabaseId, notes.arrivals, notes.count, notes.overflow);
  if (notes.poke || notes.wake_sender) wake_sender_now(MyDatabaseId);
  if (notes.poke || notes.wake_launcher) poke_launcher(notes.poke ? MyDatabaseId : InvalidOid);
}

uint64 preparing;  // the hash of the name under which this transaction is being prepared

// Keeps the notes in shared memory. PostgreSQL calls it before any other session can end the
// prepared transaction.
void keep_notes() {
  if (notes.count == 0 && !notes.overflow && !notes.poke && !notes.wake_sender &&
      !notes.wake_launcher && !notes.has_recalls && !notes.has_counts)
    return;
  keep_prepared({preparing, MyDatabaseId, notes.wake_sender, notes.poke || notes.wake_launcher,
                 notes.recalls, notes.counts});
}

void at_end_of_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT) deliver_notes();
  if (event == XACT_EVENT_PREPARE) keep_notes();
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
    clear_notes();
}

void register_once() {
  static bool registered;
  if (registered) return;
  RegisterXactCallback(at_end_of_transaction, nullptr);
  registered = true;
}

// Returns the counts of this transaction, to be raised.
CommitCounts<uint32>* counts() {
  register_once();
  notes.has_counts = true;
  return &notes.counts;
}

// Finds the note of the same lane, the latest first: the messages of a bulk enqueue are mostly one
// org's.
Arrival* find_note(const Arrival& arrival) {
  for (int i = notes.count - 1; i >= 0; i--)
    if (is_same_lane(notes.arrivals[i], arrival)) return &notes.arrivals[i];
  return nullptr;
}

}  // namespace

void wake_note(const pg_uuid_t* org_id, const char* zone, int16 priority, TimestampTz due_at) {
  register_once();
  if (notes.overflow) return;
  Arrival arrival{*org_id, priority, due_at, ""};
  const bool fits = strlcpy(arrival.zone, zone, sizeof arrival.zone) < sizeof arrival.zone;
  if (Arrival* note = fits ? find_note(arrival) : nullptr) {
    if (due_at < note->due_at) note->due_at = due_at;
  } else if (!fits || notes.count == kMaxArrivals) {
    notes.overflow = true;
  } else {
    notes.arrivals[notes.count++] = arrival;
  }
}

void note_recall(const char* phone) {
  register_once();
  const uint32 counter = recall_counter_of(phone);
  notes.has_recalls = true;
  notes.recalls.bits[counter / 64] |= UINT64CONST(1) << (counter % 64);
}

void note_ending(int ending) {
  ++counts()->endings[ending];
}

void note_webhook_call(int http_status) {
  for (int i = 0; i < kWebhookStatusCount; i++)
    if (kWebhookStatuses[i] == http_status) ++counts()->webhook_calls[i];
}

void note_segments(int segments) {
  counts()->segments += static_cast<uint32>(segments);
}

void poke_launcher_at_commit() {
  register_once();
  notes.poke = true;
}

void wake_sender_at_commit() {
  register_once();
  notes.wake_sender = true;
}

void wake_launcher_at_commit() {
  register_once();
  notes.wake_launcher = true;
}

uint64 hash_of_gid(const char* gid) {
  return hash_bytes_extended(reinterpret_cast<const unsigned char*>(gid),
                             static_cast<int>(strlen(gid)), 0);
}

void wake_before_prepare(uint64 gid_hash) {
  preparing = gid_hash;
}

void wake_after_end_of_prepared(uint64 gid_hash, bool committed) {
  PreparedNotes kept{};
  if (!take_prepared(gid_hash, &kept) || !committed) return;
  publish_recalls(kept.database, kept.recalls);
  publish_counts(kept.database, kept.counts);
  if (kept.settings_changed)
    wake_sender_now(kept.database);
  else
    publish_arrivals(kept.database, nullptr, 0, true);
  if (kept.poke) poke_launcher(kept.database);
}

}  // namespace coach_sms

using namespace coach_sms;

// coach_sms_note_due(org_id, zone, priority, due_at): notes a message in the lane, for SQL
// functions of the extension that put rows into the queue
Datum coach_sms_note_due(PG_FUNCTION_ARGS) {
  wake_note(PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT16(2),
            PG_GETARG_TIMESTAMPTZ(3));
  PG_RETURN_VOID();
}

// coach_sms_note_retraction(phone): notes a recall of messages to the number
Datum coach_sms_note_retraction(PG_FUNCTION_ARGS) {
  note_recall(text_to_cstring(PG_GETARG_TEXT_PP(0)));
  PG_RETURN_VOID();
}
