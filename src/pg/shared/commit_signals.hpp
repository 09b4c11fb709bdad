#pragma once

// Wakes other processes when this transaction commits, and only then: once, however many rows it
// enqueued. A transaction that is rolled back wakes no process. A savepoint that is rolled back may
// leave a note behind, which costs the sender one sweep. The notes of a prepared transaction are
// kept in shared memory until COMMIT PREPARED, in whichever session (utility_hooks.cpp).

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Notes that a message of this lane was enqueued, due at `due_at`.
void wake_note(const pg_uuid_t* org_id, const char* zone, int16 priority, TimestampTz due_at);

// Notes a recall: the commit forbids a message to this number (E.164) that may be on its way, by an
// opt-out or a changed booking. The counter rises at commit, after the commit is visible and before
// the client gets the answer. CommitTransaction() calls the callbacks after
// ProcArrayEndTransaction(). So a pre-send check that does not see the commit has read the counter
// before it rose. The sender reads the counter once more right before the first byte, and keeps the
// message back if it rose.
void note_recall(const char* phone);

// Note for the counts: a message that ended in that way (a place in kEndings), a call to the
// webhook that is answered with that status, segments that Twilio took.
void note_ending(int ending);
void note_webhook_call(int http_status);
void note_segments(int segments);

// Notes that the launcher must look at this database again. The sender, if one runs, sweeps too.
void poke_launcher_at_commit();

// Notes that this database's sender must look whether its extension is still there.
void wake_sender_at_commit();

// Notes that the launcher must read the list of databases again.
void wake_launcher_at_commit();

// Carry the notes over PREPARE TRANSACTION to the end of the prepared transaction. `gid` is its
// name. COMMIT PREPARED of a transaction without notes wakes no process.
uint64 hash_of_gid(const char* gid);
void wake_before_prepare(uint64 gid_hash);
void wake_after_end_of_prepared(uint64 gid_hash, bool committed);

}  // namespace coach_sms
