#include "core/sending/advice.hpp"

#include "pg/base/pg_api.hpp"

// The cure of a failure for SQL: sms_advice(error_code).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_advice);
}

using namespace coach_sms;

// sms_advice(error_code) → (cure, send_again): see core/sending/advice.hpp
Datum coach_sms_advice(PG_FUNCTION_ARGS) {
  text* code = PG_GETARG_TEXT_PP(0);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const Advice advice = advice_on({VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code)});
  Datum values[] = {CStringGetTextDatum(advice.cure), BoolGetDatum(advice.send_again)};
  bool nulls[] = {false, false};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
