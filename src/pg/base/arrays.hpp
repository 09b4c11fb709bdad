#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Arrays for a statement's parameters, in the current memory context. The element at an index is
// what the function given says of it.

// `value(index, &is_null)` is a Datum of the type; NULL where it says so.
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

// `id(index)` is a reference to what outlives the call.
template <typename Id>
Datum uuids_of(int count, Id id) {
  return array_of(UUIDOID, count, [&](int i, bool*) { return UUIDPGetDatum(&id(i)); });
}

// `word(index)` is a C string in the database's encoding, or nullptr for NULL.
template <typename Word>
Datum texts_of(int count, Word word) {
  return array_of(TEXTOID, count, [&](int i, bool* is_null) {
    const char* value = word(i);
    *is_null = value == nullptr;
    return *is_null ? Datum{0} : CStringGetTextDatum(value);
  });
}

// 0, 1, 2 ...: so that a row of the result can name the element that it is about.
inline Datum positions_of(int count) {
  return array_of(INT4OID, count, [](int i, bool*) { return Int32GetDatum(i); });
}

}  // namespace coach_sms
