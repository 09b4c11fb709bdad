#include "pg/base/statement.hpp"

#include "pg/base/extension.hpp"
#include "pg/base/plans.hpp"

namespace coach_sms {

namespace {

Oid schema_in_use = InvalidOid;
Oid internal_schema_in_use = InvalidOid;

SPITupleTable* rows() {
  return SPI_tuptable;
}

char* name_of(Oid schema) {
  char* name = get_namespace_name(schema);
  if (name == nullptr) elog(ERROR, "schema %u of coach_sms is gone", schema);
  return name;
}

char* replace_all(const char* text, const char* mark, Oid schema) {
  const char* name = quote_identifier(name_of(schema));
  StringInfoData result;
  initStringInfo(&result);
  for (const char* at = strstr(text, mark); at != nullptr; at = strstr(text, mark)) {
    appendBinaryStringInfo(&result, text, static_cast<int>(at - text));
    appendStringInfoString(&result, name);
    text = at + strlen(mark);
  }
  appendStringInfoString(&result, text);
  return result.data;
}

}  // namespace

void use_schema(Oid schema) {
  schema_in_use = schema;
  internal_schema_in_use = internal_schema_beside(schema);
}

void use_schema_of(FunctionCallInfo fcinfo) {
  use_schema(extension_schema_of(fcinfo));
}

Oid current_schema() {
  return schema_in_use;
}

char* current_schema_name() {
  return name_of(schema_in_use);
}

bool has_internal_schema() {
  return internal_schema_in_use != schema_in_use;
}

char* with_schema(const char* sql) {
  return replace_all(replace_all(sql, "@extschema@", schema_in_use), "@internal@",
                     internal_schema_in_use);
}

// Plans the statement and keeps the plan. An earlier plan is not freed: an outer call may be
// running it.
void Statement::prepare() {
  SPIPlanPtr fresh = SPI_prepare_cursor(with_schema(sql_), count_, types_,
                                        CURSOR_OPT_GENERIC_PLAN | kPlanForFullTables);
  if (fresh == nullptr)
    elog(ERROR, "could not prepare \"%s\": %s", sql_, SPI_result_code_string(SPI_result));
  if (SPI_keepplan(fresh) != 0) elog(ERROR, "could not keep a plan");
  plan_ = fresh;
  schema_ = schema_in_use;
  internal_schema_ = internal_schema_in_use;
}

uint64 Statement::run_with(Snapshot snapshot, std::initializer_list<Parameter> parameters) {
  if (static_cast<int>(parameters.size()) != count_)
    elog(ERROR, "%d values for the %d parameters of \"%s\"", static_cast<int>(parameters.size()),
         count_, sql_);
  Datum values[kMaxParameters];
  char nulls[kMaxParameters];
  int set = 0;
  for (const Parameter& parameter : parameters) {
    values[set] = parameter.value;
    nulls[set++] = parameter.is_null ? 'n' : ' ';
  }
  MemoryContext caller = CurrentMemoryContext;  // SPI leaves another one current
  if (plan_ == nullptr || schema_ != schema_in_use || internal_schema_ != internal_schema_in_use)
    prepare();
  const int result = SPI_execute_plan(plan_, values, nulls, snapshot == Snapshot::kOfCaller, 0);
  MemoryContextSwitchTo(caller);
  if (result < 0) elog(ERROR, "could not run \"%s\": %s", sql_, SPI_result_code_string(result));
  return SPI_processed;
}

char* text_column(uint64 row, int column) {
  return SPI_getvalue(rows()->vals[row], rows()->tupdesc, column);
}

Datum datum_column(uint64 row, int column, bool* is_null) {
  return SPI_getbinval(rows()->vals[row], rows()->tupdesc, column, is_null);
}

int32 int_column(uint64 row, int column) {
  bool is_null;
  Datum value = datum_column(row, column, &is_null);
  if (is_null) return 0;
  return SPI_gettypeid(rows()->tupdesc, column) == INT2OID ? DatumGetInt16(value)
                                                           : DatumGetInt32(value);
}

int64 bigint_column(uint64 row, int column) {
  bool is_null;
  Datum value = datum_column(row, column, &is_null);
  return is_null ? 0 : DatumGetInt64(value);
}

bool bool_column(uint64 row, int column) {
  bool is_null;
  Datum value = datum_column(row, column, &is_null);
  return !is_null && DatumGetBool(value);
}

TimestampTz time_column(uint64 row, int column, TimestampTz if_null) {
  bool is_null;
  Datum value = datum_column(row, column, &is_null);
  return is_null ? if_null : DatumGetTimestampTz(value);
}

pg_uuid_t uuid_column(uint64 row, int column) {
  bool is_null;
  Datum value = datum_column(row, column, &is_null);
  return is_null ? pg_uuid_t{} : *DatumGetUUIDP(value);
}

}  // namespace coach_sms
