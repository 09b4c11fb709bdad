#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Notes that live as long as the current transaction, in this session's memory. A rollback to a
// savepoint drops the notes made since it. PREPARE TRANSACTION drops all.

// The key of a note. All its bytes count, so every key must begin as NoteKey{}.
struct NoteKey {
  char kind[16];
  pg_uuid_t first;
  pg_uuid_t second;
  int64 from;
  int64 until;
};

// Keeps a copy of the value. Returns false where the key has a note already, which then stays.
bool keep_note(const NoteKey& key, const void* value, Size size);

// Returns the note's value, owned by the transaction; nullptr where there is none.
const void* find_note(const NoteKey& key);

}  // namespace coach_sms
