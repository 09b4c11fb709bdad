#include "pg/messages/attempt_results.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"

namespace coach_sms {

namespace {

// Returns a text[] of the field. An empty text becomes NULL.
template <typename Field>
Datum words_of(const AttemptResults& results, Field field) {
  return texts_of(results.count, [&](int i) {
    const char* value = results.rows[i]->*field;
    return value != nullptr && value[0] != '\0' ? value : nullptr;
  });
}

// Returns an int4[] of the field. 0 becomes NULL.
Datum numbers_of(const AttemptResults& results, int AttemptResult::*field) {
  return array_of(INT4OID, results.count, [&](int i, bool* is_null) {
    *is_null = results.rows[i]->*field == 0;
    return Int32GetDatum(results.rows[i]->*field);
  });
}

Datum ids_of(const AttemptResults& results) {
  return uuids_of(
      results.count, [&](int i) -> auto& { return results.rows[i]->message_id; });
}

Datum fences_of(const AttemptResults& results) {
  return array_of(INT8OID, results.count,
                  [&](int i, bool*) { return Int64GetDatum(results.rows[i]->fence); });
}

Datum times_of(const AttemptResults& results) {
  return array_of(TIMESTAMPTZOID, results.count,
                  [&](int i, bool*) { return TimestampTzGetDatum(results.rows[i]->when); });
}

Datum failures_of(const AttemptResults& results) {
  return array_of(INT4OID, results.count,
                  [&](int i, bool*) { return Int32GetDatum(results.rows[i]->failures); });
}

// Marks each row recorded, except those that another session has locked. A row that the statement
// did not return is locked or settled already; a settled one is logged and given up.
void mark(const AttemptResults& results) {
  static Statement still_ours{
      R"sql(
      SELECT f.message_id FROM unnest($2, $3) AS r (message_id, fence)
        JOIN @internal@.sms_in_flight f ON f.message_id = r.message_id AND f.fence = r.fence
       WHERE f.org_id = $1)sql",
      {UUIDOID, UUIDARRAYOID, INT8ARRAYOID}};
  for (int i = 0; i < results.count; ++i)
    results.rows[i]->recorded = true;
  if (SPI_processed == static_cast<uint64>(results.count)) return;
  const uint64 settled = SPI_processed;
  const uint64 locked = still_ours.run(results.org_id, ids_of(results), fences_of(results));
  for (uint64 row = 0; row < locked; ++row) {
    const pg_uuid_t id = uuid_column(row, 1);
    for (int i = 0; i < results.count; ++i)
      if (memcmp(&results.rows[i]->message_id, &id, UUID_LEN) == 0)
        results.rows[i]->recorded = false;
  }
  const uint64 lost = static_cast<uint64>(results.count) - settled - locked;
  if (lost > 0)
    ereport(LOG, (errmsg("discarded %llu late results: their messages were already settled",
                         static_cast<unsigned long long>(lost))));
}

}  // namespace

void run_and_mark(Statement& statement, const AttemptResults& results, const char* provider,
                  const char* attempt_status) {
  statement.run(
      results.org_id, ids_of(results), fences_of(results), words_of(results, &AttemptResult::sid),
      words_of(results, &AttemptResult::error_code),
      words_of(results, &AttemptResult::error_message), words_of(results, &AttemptResult::request),
      words_of(results, &AttemptResult::response), numbers_of(results, &AttemptResult::http_status),
      numbers_of(results, &AttemptResult::duration_ms),
      numbers_of(results, &AttemptResult::segments), times_of(results), failures_of(results),
      provider, attempt_status);
  mark(results);
}

}  // namespace coach_sms
