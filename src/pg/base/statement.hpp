#pragma once

#include <concepts>
#include <initializer_list>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// A Datum holds a time, and its type is no other integer's.
static_assert(sizeof(Datum) == 8, "coach_sms needs a 64-bit PostgreSQL");

// A value for a parameter of a statement, or NULL. It points to ids and varlenas, which must
// outlive the call.
struct Parameter {
  Datum value = 0;
  bool is_null = false;

  explicit Parameter(Datum datum) : value(datum) {}
  template <std::same_as<bool> Flag>  // no pointer is one
  explicit Parameter(Flag flag) : value(BoolGetDatum(flag)) {}
  explicit Parameter(int16 number) : value(Int16GetDatum(number)) {}
  explicit Parameter(int32 number) : value(Int32GetDatum(number)) {}
  explicit Parameter(int64 number) : value(Int64GetDatum(number)) {}  // a TimestampTz, too
  explicit Parameter(Oid oid) : value(ObjectIdGetDatum(oid)) {}
  explicit Parameter(const pg_uuid_t& id) : value(UUIDPGetDatum(&id)) {}

  // NULL for nullptr.
  explicit Parameter(const pg_uuid_t* id) : value(UUIDPGetDatum(id)), is_null(id == nullptr) {}
  explicit Parameter(const char* word)
      : value(word != nullptr ? CStringGetTextDatum(word) : 0), is_null(word == nullptr) {}
  explicit Parameter(const varlena* bytes) : value(PointerGetDatum(bytes)), is_null(!bytes) {}
  explicit Parameter(const Jsonb* json) : value(PointerGetDatum(json)), is_null(!json) {}
  explicit Parameter(const ArrayType* array) : value(PointerGetDatum(array)), is_null(!array) {}

  template <typename Value>
  Parameter(const Value& wanted, bool given) : Parameter(wanted) {
    is_null = is_null || !given;
  }
};

template <typename Value>
concept ParameterValue = std::constructible_from<Parameter, const Value&>;

// One SQL statement of ours: parsed once a session, run many times. `@extschema@` in its text is
// the schema the extension lives in, as in the install script, `@internal@` the schema of its
// internal objects (extension.hpp). Every name is qualified, and the caller's search_path is pinned
// by the SQL function or by the worker that runs it.
//
//   static Statement find_org{"SELECT ... WHERE org_id = $1 AND zone = $2", {UUIDOID, TEXTOID}};
//   uint64 rows = find_org.run(org_id, zone);
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

  // Gives each parameter a value of its type, or NULL: see Parameter.
  template <ParameterValue... Values>
  uint64 run(const Values&... values) {
    return run_with(Snapshot::kNew, {Parameter(values)...});
  }

  // Reads as of the snapshot of the SQL statement that called us, as a STABLE function does. So all
  // that one call reads is of one moment.
  template <ParameterValue... Values>
  uint64 read(const Values&... values) {
    return run_with(Snapshot::kOfCaller, {Parameter(values)...});
  }

 private:
  enum class Snapshot { kNew, kOfCaller };

  uint64 run_with(Snapshot snapshot, std::initializer_list<Parameter> parameters);
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

// False until ALTER EXTENSION UPDATE from 0.1.0, where all objects are in the user's schema.
bool has_internal_schema();

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
