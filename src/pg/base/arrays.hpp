#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Arrays for a statement's parameters, palloc'ed in the current memory context. A caller's function
// gives the element at each index, from 0 on.

// Returns an array of `count` elements of `type`. `value(index, &is_null)` returns the element as a
// Datum of the type; it sets `is_null` for NULL.
template <typename Value>
Datum array_of(Oid type, int count, Value value) {
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
  auto* nulls = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(count + 1)));
  for (int i = 0; i < count; ++i)
    values[i] = value(i, &nulls[i]);
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  int lower_bound = 1;
  return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower_bound, type, length,
                                            by_value, alignment));
}

// Returns a uuid[]. `id(index)` returns a reference to an id that outlives the call.
template <typename Id>
Datum uuids_of(int count, Id id) {
  return array_of(UUIDOID, count, [&](int i, bool*) { return UUIDPGetDatum(&id(i)); });
}

// Returns a text[]. `word(index)` returns a C string in the database's encoding, or nullptr for
// NULL.
template <typename Word>
Datum texts_of(int count, Word word) {
  return array_of(TEXTOID, count, [&](int i, bool* is_null) {
    const char* value = word(i);
    *is_null = value == nullptr;
    return *is_null ? Datum{0} : CStringGetTextDatum(value);
  });
}

}  // namespace coach_sms
