#pragma once

#include <concepts>
#include <initializer_list>

#include "pg/base/pg_api.hpp"

namespace coach_sms {

struct Uuid;

// A Datum holds a time, and its type is no other integer's.
static_assert(sizeof(Datum) == 8, "coach_sms needs a 64-bit PostgreSQL");

// A value for a parameter of a statement, or NULL. It holds pointers to ids and varlenas, which
// must outlive the call.
struct Parameter {
  Datum value = 0;
  bool is_null = false;

  Parameter() = default;
  explicit Parameter(Datum datum) : value(datum) {}
  template <std::same_as<bool> Flag>  // a pointer would convert to bool
  explicit Parameter(Flag flag) : value(BoolGetDatum(flag)) {}
  explicit Parameter(int16 number) : value(Int16GetDatum(number)) {}
  explicit Parameter(int32 number) : value(Int32GetDatum(number)) {}
  explicit Parameter(int64 number) : value(Int64GetDatum(number)) {}  // a TimestampTz, too
  explicit Parameter(Oid oid) : value(ObjectIdGetDatum(oid)) {}
  explicit Parameter(const pg_uuid_t& id) : value(UUIDPGetDatum(&id)) {}
  explicit Parameter(const Uuid& id) : value(PointerGetDatum(&id)) {}

  // These are NULL for nullptr.
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

// One SQL statement of the extension, planned once a session and run many times. In its text
// `@extschema@` is the schema that the extension lives in, as in the install script. `@internal@`
// is the schema of its internal objects (extension.hpp). Every name is qualified. The SQL function
// or the worker that runs the statement pins search_path.
//
//   static Statement find_org{"SELECT ... WHERE org_id = $1 AND zone = $2", {UUIDOID, TEXTOID}};
//   uint64 rows = find_org.run(org_id, zone);
//
// The plan is made once and kept, whatever the values and the statistics (plans.hpp). So a
// condition on a range of ids gives both ends: with one end, the planner expects a third of the
// table in it (DEFAULT_INEQ_SEL).
//
// Needs SPI_connect(). The rows are in SPI_tuptable. Errors are raised.
class Statement {
 public:
  static constexpr int kMaxParameters = 24;

  constexpr Statement(const char* sql, std::initializer_list<Oid> types) : sql_(sql) {
    for (Oid type : types)
      types_[count_++] = type;
  }

  // Runs the statement with one value for each parameter, of its type or NULL: see Parameter.
  // Returns the number of rows.
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

// Sets and reads the schema of the statements from now on. SQL functions pass their own, workers
// the extension's. It differs between two calls only where the extension was dropped and created
// again.
void use_schema(Oid schema);
void use_schema_of(FunctionCallInfo fcinfo);
Oid current_schema();
char* current_schema_name();

// Returns false until ALTER EXTENSION UPDATE from 0.1.0: until then all objects are in the user's
// schema.
bool has_internal_schema();

// Returns the text with `@extschema@` and `@internal@` replaced, in the current memory context.
char* with_schema(const char* sql);

// Return a column of a row in SPI_tuptable. Rows count from 0, columns from 1. Texts are copied
// into the current memory context.
char* text_column(uint64 row, int column);  // nullptr for NULL
Datum datum_column(uint64 row, int column, bool* is_null);
int32 int_column(uint64 row, int column);  // 0 for NULL
int64 bigint_column(uint64 row, int column);
bool bool_column(uint64 row, int column);  // false for NULL
TimestampTz time_column(uint64 row, int column, TimestampTz if_null);
pg_uuid_t uuid_column(uint64 row, int column);  // all zero for NULL

}  // namespace coach_sms
