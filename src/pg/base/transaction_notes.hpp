#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Notes that live as long as the current transaction, in this session's memory. A rollback to a
// savepoint forgets the notes that were made since it; PREPARE TRANSACTION forgets all.

// All bytes count, so that every key begins as NoteKey{}.
struct NoteKey {
  char kind[16];
  pg_uuid_t first;
  pg_uuid_t second;
  int64 from;
  int64 until;
};

// Keeps a copy of the value. False where the key has a note already, which then stays.
bool keep_note(const NoteKey& key, const void* value, Size size);

// Returns the note's value, nullptr where there is none.
const void* find_note(const NoteKey& key);

}  // namespace coach_sms
