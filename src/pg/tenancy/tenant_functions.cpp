#include "pg/base/cpp_boundary.hpp"

#include "pg/base/extension.hpp"
#include "pg/base/security_context.hpp"
#include "pg/base/statement.hpp"
#include "pg/tenancy/tenancy.hpp"

// The checks of tenancy for SQL: policies and public functions call them.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_acts_for_all);
PG_FUNCTION_INFO_V1(coach_sms_my_orgs);
PG_FUNCTION_INFO_V1(coach_sms_is_my_org);
PG_FUNCTION_INFO_V1(coach_sms_may_act_for);
PG_FUNCTION_INFO_V1(coach_sms_as_owner);
}

using namespace coach_sms;

namespace {

// Returns a public function's other half in the internal schema: the same name with _as_owner
// appended, and the same arguments. The caller needs no right to it.
Oid other_half(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "function %u is gone", function);
  auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  const char* name = psprintf("%s_as_owner", NameStr(form->proname));
  const Oid found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
                                    PointerGetDatum(&form->proargtypes),
                                    ObjectIdGetDatum(internal_schema_beside(form->pronamespace)));
  ReleaseSysCache(tuple);
  if (!OidIsValid(found)) elog(ERROR, "coach_sms lacks its function %s", name);
  return found;
}

FmgrInfo* other_half_of(FmgrInfo* function) {
  if (function->fn_extra == nullptr) {
    auto* half =
        static_cast<FmgrInfo*>(MemoryContextAllocZero(function->fn_mcxt, sizeof(FmgrInfo)));
    fmgr_info_cxt(other_half(function->fn_oid), half, function->fn_mcxt);
    half->fn_expr = function->fn_expr;
    function->fn_extra = half;
  }
  return static_cast<FmgrInfo*>(function->fn_extra);
}

}  // namespace

// coach_sms_acts_for_all() → boolean: whether the current user acts for every org
Datum coach_sms_acts_for_all(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  PG_RETURN_BOOL(acts_for_all_orgs(GetUserId()));
}

// coach_sms_my_orgs() → uuid[]: the current user's orgs; policies compare with them, once a
// statement
Datum coach_sms_my_orgs(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  ArrayType* orgs = orgs_of(GetUserId());
  auto* result = static_cast<ArrayType*>(MemoryContextAlloc(caller, VARSIZE(orgs)));
  memcpy(result, orgs, VARSIZE(orgs));
  SPI_finish();
  PG_RETURN_ARRAYTYPE_P(result);
}

// coach_sms_is_my_org(org_id) → boolean: whether the current user may act for the org
Datum coach_sms_is_my_org(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  SPI_connect();
  const bool result = acts_for_org(GetUserId(), *PG_GETARG_UUID_P(0));
  SPI_finish();
  PG_RETURN_BOOL(result);
}

// coach_sms_may_act_for(org_id) → boolean: the same for the caller of the public function that
// runs; for NULL, whether that role acts for every org
Datum coach_sms_may_act_for(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  if (PG_ARGISNULL(0)) PG_RETURN_BOOL(acts_for_all_orgs(calling_role()));
  SPI_connect();
  const bool result = acts_for_org(calling_role(), *PG_GETARG_UUID_P(0));
  SPI_finish();
  PG_RETURN_BOOL(result);
}

// Runs any public function that tenants may call: calls its other half as coach_sms_owner, as
// fmgr_security_definer() does. The frame keeps the caller, since the other half asks whether that
// role may act for the org.
Datum coach_sms_as_owner(PG_FUNCTION_ARGS) {
  FmgrInfo* function = fcinfo->flinfo;
  FmgrInfo* half = other_half_of(function);
  const Oid caller = GetUserId();
  const SecurityContext rights = switch_to(owner_role());
  CallerFrame frame;
  Datum result = 0;
  begin_frame(&frame, caller);
  PG_TRY();
  {
    fcinfo->flinfo = half;
    result = FunctionCallInvoke(fcinfo);
  }
  PG_FINALLY();
  {
    fcinfo->flinfo = function;
    end_frame(&frame);
  }
  PG_END_TRY();
  restore_context(rights);
  return result;
}
