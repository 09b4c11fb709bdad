#pragma once

// The state that the launcher, the senders and all other backends share: one slot for each database
// that has, or may have, the extension. It holds numbers and text only. A process is woken by its
// PGPROC number, looked up under the slot's lock.
//
// If the library is not preloaded, shared_state_available() is false. The functions for every
// backend and for the sender then do nothing, and return "none".
//
// Locks: the table lock guards which database has which slot; each slot's lock guards its contents.
// Take the table lock before a slot's lock, and never two slots' locks. No function raises an
// error, except wait_for_sender_end() when it is cancelled.

#include "pg/base/time_zones.hpp"
#include "pg/shared/latency.hpp"

namespace coach_sms {

inline constexpr int kMaxDatabases = 64;
inline constexpr int kMaxArrivals = 256;
inline constexpr int kMaxPokes = 64;
inline constexpr int kMaxPrepared = 256;

enum class WorkerState : int {
  kNone,             // no sender was started yet
  kProbing,          // a sender looks for the extension
  kStarting,         // a sender starts
  kSandbox,          // running, with simulated answers of Twilio
  kLive,             // running, sending
  kNotArmed,         // running, sends nothing: this server is not armed for this database
  kVersionMismatch,  // running, waits for ALTER EXTENSION coach_sms UPDATE
  kStepFailed,       // running, waits after an error before it tries again
  kStopping,         // asked to end, finishing what is in flight
  kBackingOff,       // ended, the launcher starts it again after a delay
  kHeld,             // held for DROP, RENAME or TEMPLATE; not started before hold_until
  kNoExtension,      // ended: the database does not have the extension
  kStopped,          // ended
};

// Returns the word that sms_worker_stat shows.
const char* word_for(WorkerState state);

enum class Counter : int { kClaimed, kAccepted, kRejected, kRetried, kUnknown };
inline constexpr int kCounters = 5;

enum class Latency : int { kRequest, kCommitToRequest };
inline constexpr int kLatencies = 2;

// The number of ways in which a message ends: kEndingCount (core/sending/endings.hpp).
inline constexpr int kEndingCounters = 15;
// The statuses that the webhook answers.
inline constexpr int kWebhookStatuses[] = {200, 400, 403, 413, 503};
inline constexpr int kWebhookStatusCount = lengthof(kWebhookStatuses);

// Counts that transactions raise when they commit.
template <typename Number>
struct CommitCounts {
  Number endings[kEndingCounters];  // messages that ended, by the place in kEndings
  Number webhook_calls[kWebhookStatusCount];
  Number segments;  // of requests that Twilio took
};

// One lane's earliest new message, as an enqueueing transaction reports it at commit.
struct Arrival {
  pg_uuid_t org_id;
  int16 priority;
  TimestampTz due_at;
  char zone[kLongestZone + 1];
};

inline bool is_same_lane(const Arrival& one, const Arrival& other) {
  return one.priority == other.priority &&
         memcmp(&one.org_id, &other.org_id, sizeof(pg_uuid_t)) == 0 &&
         strcmp(one.zone, other.zone) == 0;
}

// The recall counters of a database, one for each group of recipients' numbers, by a hash. Each
// counts commits against messages that may be on their way: opt-outs, changed bookings.
inline constexpr int kRecallCounters = 256;
struct Recalls {
  uint64 bits[kRecallCounters / 64];  // one bit a counter: whether it rises
};
uint32 recall_counter_of(const char* phone);

// The notes of a prepared transaction, for its COMMIT PREPARED in whichever session.
struct PreparedNotes {
  uint64 gid_hash;
  Oid database;
  bool settings_changed;
  bool poke;
  Recalls recalls;
  CommitCounts<uint32> counts;
};

// A copy of one slot. Times are 0 where there is none.
struct SenderInfo {
  Oid database;
  pid_t pid;  // 0: no process
  uint32 generation;
  WorkerState state;
  uint32 starts;
  int in_flight;
  TimestampTz started_at;
  TimestampTz heartbeat_at;
  TimestampTz next_wake_at;
  TimestampTz hold_until;
  TimestampTz last_error_at;
  TimestampTz counting_since;  // the server's start, or that of the extension in the database
  uint64 counters[kCounters];
  CommitCounts<uint64> counts;
  char activity[64];
  int last_sqlstate;  // 0: last_error holds the extension's own words only
  char last_error[256];
};

// Requests the memory: from _PG_init, while shared_preload_libraries is processed.
void shared_state_request();
bool shared_state_available();

// --- for every backend ------------------------------------------------------------------------

// Gives the arrivals to the database's sender and wakes it. With `overflow`, or once kMaxArrivals
// of its lanes wait, the sender sweeps all lanes.
void publish_arrivals(Oid database, const Arrival* arrivals, int count, bool overflow);
// Raises the database's counters whose bits are set.
void publish_recalls(Oid database, const Recalls& recalls);
// Adds to the database's counts.
void publish_counts(Oid database, const CommitCounts<uint32>& counts);
// Wakes the database's sender to read everything anew: settings, holds, lanes.
void wake_sender_now(Oid database);

// Keeps the notes until the prepared transaction ends. If kMaxPrepared are kept already, the notes
// are dropped, and transactions prepared until now count as unknown.
void keep_prepared(const PreparedNotes& notes);
// Takes the notes of a prepared transaction. Returns false where none were kept. While unknown
// transactions may exist, a transaction without notes gets notes that recall and wake everything.
bool take_prepared(uint64 gid_hash, PreparedNotes* notes);
// Returns the time until which transactions may have been prepared whose notes are unknown; 0:
// none. A caller that finds no such transaction left passes that time to all_prepared_are_known().
TimestampTz prepared_unknown_until();
void all_prepared_are_known(TimestampTz until);

// Marks a database for the launcher to look at, and wakes the launcher. InvalidOid only wakes it.
void poke_launcher(Oid database);
pid_t launcher_pid();

// Copies a database's slot; returns false if it has none. read_sender_slot() takes a slot's number
// (0 .. kMaxDatabases - 1), to list all.
bool read_sender(Oid database, SenderInfo* info);
bool read_sender_slot(int slot, SenderInfo* info);
// Copies a histogram of this database; empty where there is no slot.
LatencyHistogram read_latency(Oid database, Latency latency);

// Keeps the launcher from starting a sender before `until`, and asks a running one to end.
void hold_sender(Oid database, TimestampTz until);
// Waits until the sender has ended. Returns false after `timeout_ms`. Raises an error when
// cancelled.
bool wait_for_sender_end(Oid database, int timeout_ms);

// --- for the sender: its own slot -------------------------------------------------------------

// Makes this process the owner of the slot until it exits. Returns false, and the process must
// exit, if the launcher gave the slot to a later sender or the database is held.
bool attach_sender(Oid database, uint32 generation);
// Returns whether the sender before this one ended during that activity, until
// forget_earlier_sender(). So the activity that ended one sender need not end the next at once.
bool earlier_sender_ended_while(const char* activity);
void forget_earlier_sender();
// Records the fence of claims without a request so far; 0 from the first request on. If the sender
// ends before, the next one takes those claims back (take_back_unsent()). A crash of the server
// loses the fence: those claims then become unknown.
void report_unsent(int64 fence);
int64 earlier_senders_unsent();
void report_state(WorkerState state);
void report_activity(const char* text);
void report_error(const char* text);
// Records the text of an error that was raised. It may quote data of the application's code.
void report_raised(const char* text, int sqlstate);
void report_heartbeat(TimestampTz next_wake_at);
void report_in_flight(int requests);
void add_to_counter(Counter counter, uint64 increment);
void count_latency(Latency latency, int64 microseconds);
uint32 read_recalls(uint32 counter);

// Takes the arrivals since the last call, kMaxArrivals at most; returns their number. `overflow`:
// there may be more. `settings_changed`: settings may have changed. The sender calls it after
// ResetLatch(). It asks arrivals_waiting() before it sleeps, since a lock wait may have consumed
// the latch in between.
int take_arrivals(Arrival* out, bool* overflow, bool* settings_changed);
bool arrivals_waiting();

// --- for the launcher -------------------------------------------------------------------------

void attach_launcher();
// Takes the marked databases, kMaxPokes at most; returns their number. `*everything`: more were
// marked than fit, so look at all.
int take_pokes(Oid* out, bool* everything);
// Prepares the database's slot for a new sender and gives its generation. Returns false if a sender
// is there or all slots are taken.
bool prepare_sender(Oid database, WorkerState state, uint32* generation);
// Records why there is no sender now. With nullptr as `error` an earlier text stays.
void report_absent_sender(Oid database, WorkerState state, const char* error);
void forget_sender(Oid database);
void terminate_sender(Oid database);

}  // namespace coach_sms
