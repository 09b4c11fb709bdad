#pragma once

// Waking other processes when, and only when, this transaction commits: once, however many rows
// it enqueued. A rolled back transaction wakes nobody; a rolled back savepoint may leave a note
// behind, which costs the sender one look. What a transaction notes that is then prepared is kept
// in shared memory until COMMIT PREPARED, in whichever session (utility_hooks.cpp).

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Notes that a message of this lane was enqueued, due at `due_at`.
void wake_note(const pg_uuid_t* org_id, const char* zone, int16 priority, TimestampTz due_at);

// Notes that something is committed by which a message to this number (E.164) that may be on its
// way must not go: an opt-out, a booking that changed. The counter rises at commit, before the
// client is told, and after the commit is visible (CommitTransaction calls us behind
// ProcArrayEndTransaction). So a pre-send check whose snapshot does not see the commit has read the
// counter before it rose, and the sender, which reads it once more right before the first byte,
// keeps the message back: whatever was acknowledged first wins.
void note_recall(const char* phone);

// At commit: the launcher looks at this database (again); a running sender looks too.
void poke_launcher_at_commit();

// At commit: this database's sender looks whether its extension is still there.
void wake_sender_at_commit();

// At commit: the launcher reads the list of databases again.
void wake_launcher_at_commit();

// PREPARE TRANSACTION, and what ends such a transaction. COMMIT PREPARED of one that noted nothing
// wakes nobody.
uint64 hash_of_gid(const char* gid);
void wake_before_prepare(uint64 gid_hash);
void wake_after_end_of_prepared(uint64 gid_hash, bool committed);

}  // namespace coach_sms
