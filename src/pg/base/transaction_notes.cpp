#include "pg/base/cpp_boundary.hpp"

#include "pg/base/transaction_notes.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_keep_note);
PG_FUNCTION_INFO_V1(coach_sms_read_note);
}

namespace coach_sms {

namespace {

struct Note {
  NoteKey key;
  Note* earlier;
  SubTransactionId made_in;
  const void* value;
};

// Both are in TopTransactionContext, whose end frees them.
HTAB* notes;
Note* latest;

void at_end_of_transaction(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
    return;
  notes = nullptr;
  latest = nullptr;
}

// Gives the notes to the parent, or drops them. Subtransactions nest, so the notes of the one that
// ends are the latest.
void at_end_of_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent,
                              void*) {
  if (event == SUBXACT_EVENT_COMMIT_SUB)
    for (Note* note = latest; note != nullptr && note->made_in == own; note = note->earlier)
      note->made_in = parent;
  if (event == SUBXACT_EVENT_ABORT_SUB)
    while (latest != nullptr && latest->made_in == own) {
      Note* gone = latest;
      latest = gone->earlier;
      hash_search(notes, &gone->key, HASH_REMOVE, nullptr);
    }
}

void begin_notes() {
  static bool registered;
  if (!registered) {
    RegisterXactCallback(at_end_of_transaction, nullptr);
    RegisterSubXactCallback(at_end_of_subtransaction, nullptr);
    registered = true;
  }
  if (notes != nullptr) return;
  HASHCTL layout{};
  layout.keysize = sizeof(NoteKey);
  layout.entrysize = sizeof(Note);
  layout.hcxt = TopTransactionContext;
  notes = hash_create("coach_sms transaction notes", 64, &layout,
                      HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

NoteKey key_of(text* kind, const pg_uuid_t* id) {
  NoteKey key{};
  text_to_cstring_buffer(kind, key.kind, sizeof key.kind);
  key.first = *id;
  return key;
}

}  // namespace

bool keep_note(const NoteKey& key, const void* value, Size size) {
  begin_notes();
  if (find_note(key) != nullptr) return false;
  void* copy = MemoryContextAlloc(TopTransactionContext, size);
  memcpy(copy, value, size);
  bool found;
  auto* note = static_cast<Note*>(hash_search(notes, &key, HASH_ENTER, &found));
  note->value = copy;
  note->made_in = GetCurrentSubTransactionId();
  note->earlier = latest;
  latest = note;
  return true;
}

const void* find_note(const NoteKey& key) {
  if (notes == nullptr) return nullptr;
  auto* note = static_cast<Note*>(hash_search(notes, &key, HASH_FIND, nullptr));
  return note == nullptr ? nullptr : note->value;
}

}  // namespace coach_sms

using namespace coach_sms;

// sms_keep_note(kind, id, value jsonb) → boolean: keeps the note; whether it is new
Datum coach_sms_keep_note(PG_FUNCTION_ARGS) {
  const NoteKey key = key_of(PG_GETARG_TEXT_PP(0), PG_GETARG_UUID_P(1));
  Jsonb* value = PG_GETARG_JSONB_P(2);
  PG_RETURN_BOOL(keep_note(key, value, VARSIZE(value)));
}

// sms_read_note(kind, id) → jsonb: the note's value; NULL where there is none
Datum coach_sms_read_note(PG_FUNCTION_ARGS) {
  const void* value = find_note(key_of(PG_GETARG_TEXT_PP(0), PG_GETARG_UUID_P(1)));
  if (value == nullptr) PG_RETURN_NULL();
  void* copy = palloc(VARSIZE(value));
  memcpy(copy, value, VARSIZE(value));
  PG_RETURN_POINTER(copy);
}
