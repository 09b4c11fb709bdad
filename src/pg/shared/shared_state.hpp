#pragma once

// What the launcher, the senders and all other backends know of each other: one slot a database
// that has (or may have) the extension, in shared memory. Only numbers and text are kept there;
// a process is woken by its PGPROC number, looked up under the slot's lock.
//
// The library may not be preloaded. Then shared_state_available() is false, and every function
// here does nothing and reports nothing.
//
// Locks: a table lock for which database has which slot, and one lock a slot for what is in it.
// Table before slot; never two slots. None of these functions raises an error.

#include "pg/base/time_zones.hpp"

namespace coach_sms {

inline constexpr int kMaxDatabases = 64;
inline constexpr int kMaxArrivals = 256;
inline constexpr int kMaxPokes = 64;
inline constexpr int kMaxPrepared = 256;

enum class WorkerState : int {
  kNone,             // nothing was started yet
  kProbing,          // a sender looks whether the extension is there
  kStarting,         // a sender is on its way
  kSandbox,          // running, answering for Twilio
  kLive,             // running, sending
  kNotArmed,         // running, sends nothing: this server is not armed for this database
  kVersionMismatch,  // running, waits for ALTER EXTENSION coach_sms UPDATE
  kStepFailed,       // running, waits after an error before it tries again
  kStopping,         // asked to end, finishing what is in flight
  kBackingOff,       // ended, the launcher starts it again in a moment
  kHeld,             // let go for DROP, RENAME or TEMPLATE; not started before hold_until
  kNoExtension,      // ended: the database does not have the extension
  kStopped,          // ended
};

// The word that sms_worker_stat shows.
const char* word_for(WorkerState state);

enum class Counter : int { kClaimed, kAccepted, kRejected, kRetried, kUnknown };
inline constexpr int kCounters = 5;

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

// Counters of what was committed against messages that may be on their way, by a hash of the
// recipient's number: opt-outs, bookings that changed.
inline constexpr int kRecallCounters = 256;
struct Recalls {
  uint64 bits[kRecallCounters / 64];  // which counters
};
uint32 recall_counter_of(const char* phone);

// What a prepared transaction will have to tell once it commits, in whichever session.
struct PreparedNotes {
  uint64 gid_hash;
  Oid database;
  bool settings_changed;
  bool poke;
  Recalls recalls;
};

// A copy of one slot. Times are 0 where there is none; latencies are milliseconds.
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
  uint64 counters[kCounters];  // since the server started
  double latency_p50_ms;       // of the last few thousand requests; 0 before the first
  double latency_p99_ms;
  char activity[64];
  int last_sqlstate;  // 0: last_error has our own words only
  char last_error[256];
};

// From _PG_init, while shared_preload_libraries is being processed.
void shared_state_request();
bool shared_state_available();

// --- for every backend ------------------------------------------------------------------------

// Tells the database's sender what was enqueued and wakes it. With `overflow`, or when the sender
// has not taken kMaxArrivals yet, it learns only that anything may have come.
void publish_arrivals(Oid database, const Arrival* arrivals, int count, bool overflow);
// Raises these counters of the database.
void publish_recalls(Oid database, const Recalls& recalls);
// Wakes it to look at everything anew: settings, holds, lanes.
void wake_sender_now(Oid database);

// Kept until the transaction ends. More than kMaxPrepared, or those from before the server started,
// are unknown, and then everything may have been in them.
void keep_prepared(const PreparedNotes& notes);
// Takes what was kept; false where the transaction has nothing to tell.
bool take_prepared(uint64 gid_hash, PreparedNotes* notes);
// Until when transactions may have been prepared of which nothing is known; 0: none. Whoever finds
// that none of them is left says so.
TimestampTz prepared_unknown_until();
void all_prepared_are_known(TimestampTz until);

// Marks a database as worth looking at, and wakes the launcher. InvalidOid: only wakes it.
void poke_launcher(Oid database);
pid_t launcher_pid();

// Copies a database's slot; false if it has none. Slots by number (0 .. kMaxDatabases - 1) for
// listing all.
bool read_sender(Oid database, SenderInfo* info);
bool read_sender_slot(int slot, SenderInfo* info);

// Keeps the launcher from starting a sender before `until`, and asks a running one to end.
void hold_sender(Oid database, TimestampTz until);
// Waits for the sender's end, interruptible (this one raises when cancelled). False on timeout.
bool wait_for_sender_end(Oid database, int timeout_ms);

// --- for the sender: its own slot -------------------------------------------------------------

// Makes this process the owner of the slot until it exits; false if the launcher has given the
// slot to a later one since, or somebody wants the database (then exit).
bool attach_sender(Oid database, uint32 generation);
// What the sender before this one did last, until it is forgotten: what ends one should not at once
// end the next.
bool earlier_sender_ended_while(const char* activity);
void forget_earlier_sender();
// The fence of claims of which no request has been made: of a sender that ends before any was, the
// next one takes them back. 0 from the first request on. Lost with the server's memory; what those
// claims are about is then unknown, as after any other end.
void report_unsent(int64 fence);
int64 earlier_senders_unsent();
void report_state(WorkerState state);
void report_activity(const char* text);
void report_error(const char* text);
// The words of an error that was raised; those of the application's code may be in it.
void report_raised(const char* text, int sqlstate);
void report_heartbeat(TimestampTz next_wake_at);
void report_in_flight(int requests);
void add_to_counter(Counter counter, uint64 increment);
void count_latency(int64 microseconds);
uint32 read_recalls(uint32 counter);

// Takes what was published since the last call: at most kMaxArrivals. The sender calls it after
// ResetLatch, and asks arrivals_waiting() before it sleeps: a lock wait may have swallowed the
// latch in between. overflow: there may be more; settings_changed: so they have.
int take_arrivals(Arrival* out, bool* overflow, bool* settings_changed);
bool arrivals_waiting();

// --- for the launcher -------------------------------------------------------------------------

void attach_launcher();
// Takes the marked databases (at most kMaxPokes); `*everything` when more were marked than could be
// remembered.
int take_pokes(Oid* out, bool* everything);
// Readies the database's slot for a new sender and gives its generation; false if a sender is
// there or all slots are taken.
bool prepare_sender(Oid database, WorkerState state, uint32* generation);
// Says why there is no sender now; keeps an earlier text when `error` is NULL.
void report_absent_sender(Oid database, WorkerState state, const char* error);
void forget_sender(Oid database);
void terminate_sender(Oid database);

}  // namespace coach_sms
