#pragma once

#include <initializer_list>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// One SQL statement of ours: parsed once a session, run many times. `@extschema@` in its text is
// the schema the extension lives in, as in the install script, `@internal@` the schema of its
// internal objects (extension.hpp). Every name is qualified, and the caller's search_path is pinned
// by the SQL function or by the worker that runs it.
//
//   static Statement find_org{"SELECT ... WHERE org_id = $1", {UUIDOID}};
//   uint64 rows = find_org.run({UUIDPGetDatum(id)});
//
// Its plan is made once and kept, whatever the values and the statistics (plans.hpp). So a range
// of ids is given both ends: with one, a third of the table is expected to be in it.
//
// Needs SPI_connect. Results are in SPI_tuptable. Errors are raised.
class Statement {
 public:
  static constexpr int kMaxParameters = 24;

  constexpr Statement(const char* sql, std::initializer_list<Oid> types) : sql_(sql) {
    for (Oid type : types)
      types_[count_++] = type;
  }

  // `nulls` as SPI has it: one character a parameter, 'n' for NULL; nullptr for none.
  uint64 run(std::initializer_list<Datum> values, const char* nulls = nullptr);
  uint64 run(Datum* values, const char* nulls = nullptr);

 private:
  void prepare();

  const char* sql_;
  Oid types_[kMaxParameters] = {};
  int count_ = 0;
  SPIPlanPtr plan_ = nullptr;
  Oid schema_ = InvalidOid;  // the schemas that plan_ was made for
  Oid internal_schema_ = InvalidOid;
};

// The schema that statements run in from now on. SQL functions name their own, workers the
// extension's: it may differ between calls only where the extension was dropped and made again.
void use_schema(Oid schema);
void use_schema_of(FunctionCallInfo fcinfo);
Oid current_schema();
char* current_schema_name();

// Returns the text with `@extschema@` and `@internal@` replaced; in the current memory context.
char* with_schema(const char* sql);

// Columns of a row that SPI returned. Texts are copied into the current memory context.
char* text_column(uint64 row, int column);  // nullptr for NULL
Datum datum_column(uint64 row, int column, bool* is_null);
int32 int_column(uint64 row, int column);  // 0 for NULL
int64 bigint_column(uint64 row, int column);
bool bool_column(uint64 row, int column);  // false for NULL
TimestampTz time_column(uint64 row, int column, TimestampTz if_null);
pg_uuid_t uuid_column(uint64 row, int column);  // all zero for NULL

}  // namespace coach_sms
