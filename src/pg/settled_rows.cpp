#include "pg/settled_rows.hpp"

#include "pg/statement.hpp"

namespace coach_sms {

namespace {

template <typename Value>
Datum array_of(const SettledRows& results, Oid type, Value value) {
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * results.count));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * results.count));
  for (int i = 0; i < results.count; ++i)
    values[i] = value(*results.rows[i], &nulls[i]);
  int16 length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(type, &length, &by_value, &alignment);
  int dimension = results.count;
  int lower_bound = 1;
  return PointerGetDatum(construct_md_array(values, nulls, 1, &dimension, &lower_bound, type,
                                            length, by_value, alignment));
}

template <typename Field>
Datum texts_of(const SettledRows& results, Field field) {
  return array_of(results, TEXTOID, [field](const Settled& row, bool* is_null) {
    const char* value = row.*field;
    *is_null = value == nullptr || value[0] == '\0';
    return *is_null ? Datum{0} : CStringGetTextDatum(value);
  });
}

template <typename Field>
Datum integers_of(const SettledRows& results, Field field) {
  return array_of(results, INT4OID, [field](const Settled& row, bool* is_null) {
    *is_null = row.*field == 0;
    return Int32GetDatum(static_cast<int32>(row.*field));
  });
}

Datum ids_of(const SettledRows& results) {
  return array_of(results, UUIDOID, [](const Settled& row, bool* is_null) {
    *is_null = false;
    return UUIDPGetDatum(&row.message_id);
  });
}

Datum fences_of(const SettledRows& results) {
  return array_of(results, INT8OID, [](const Settled& row, bool* is_null) {
    *is_null = false;
    return Int64GetDatum(row.fence);
  });
}

Datum times_of(const SettledRows& results) {
  return array_of(results, TIMESTAMPTZOID, [](const Settled& row, bool* is_null) {
    *is_null = false;
    return TimestampTzGetDatum(row.when);
  });
}

// Rows that the statement did not return are locked by somebody, or not ours any more.
void mark(const SettledRows& results) {
  static Statement still_ours{
      "SELECT f.message_id FROM unnest($2, $3) AS r (message_id, fence)"
      "  JOIN @extschema@.sms_in_flight f ON f.message_id = r.message_id AND f.fence = r.fence"
      " WHERE f.org_id = $1",
      {UUIDOID, UUIDARRAYOID, INT8ARRAYOID}};
  for (int i = 0; i < results.count; ++i)
    results.rows[i]->recorded = true;
  if (SPI_processed == static_cast<uint64>(results.count)) return;
  const uint64 settled = SPI_processed;
  const uint64 locked =
      still_ours.run({UUIDPGetDatum(&results.org_id), ids_of(results), fences_of(results)});
  for (uint64 row = 0; row < locked; ++row) {
    const pg_uuid_t id = uuid_column(row, 1);
    for (int i = 0; i < results.count; ++i)
      if (memcmp(&results.rows[i]->message_id, &id, UUID_LEN) == 0)
        results.rows[i]->recorded = false;
  }
  const uint64 lost = static_cast<uint64>(results.count) - settled - locked;
  if (lost > 0)
    ereport(LOG, (errmsg("%llu results came too late: their messages have been settled otherwise",
                         static_cast<unsigned long long>(lost))));
}

}  // namespace

void run_and_mark(Statement& statement, const SettledRows& results, const char* provider,
                  const char* attempt_status) {
  statement.run({UUIDPGetDatum(&results.org_id), ids_of(results), fences_of(results),
                 texts_of(results, &Settled::sid), texts_of(results, &Settled::error_code),
                 texts_of(results, &Settled::error_message), texts_of(results, &Settled::request),
                 texts_of(results, &Settled::response), integers_of(results, &Settled::http_status),
                 integers_of(results, &Settled::duration_ms),
                 integers_of(results, &Settled::segments), times_of(results),
                 array_of(results, INT4OID,
                          [](const Settled& row, bool* is_null) {
                            *is_null = false;
                            return Int32GetDatum(row.failures);
                          }),
                 CStringGetTextDatum(provider), CStringGetTextDatum(attempt_status)});
  mark(results);
}

}  // namespace coach_sms
