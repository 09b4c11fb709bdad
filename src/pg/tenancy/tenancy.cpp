#include "core/tenancy/jwt_claims.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/security_context.hpp"
#include "pg/base/statement.hpp"
#include "pg/settings.hpp"
#include "pg/tenancy/tenancy.hpp"

namespace coach_sms {

namespace {

CallerFrame* innermost = nullptr;

// --- the application's function -----------------------------------------------------------------

enum class Shape { kAsksForOne, kReturnsArray, kReturnsSet };

struct TenancyFunction {
  const char* name;  // qualified, without arguments
  Shape shape;
};

[[noreturn]] void refuse_function(const char* problem) {
  ereport(ERROR,
          (errcode(kBadTenancy),
           errmsg("coach_sms.tenancy_function \"%s\" %s", settings::tenancy_function, problem),
           errdetail("It says which orgs a role belongs to. Without it, a role belongs to none."),
           errhint("Name a function of one uuid that returns boolean, as in "
                   "public.is_org_member(uuid). Or name one without arguments that returns the "
                   "orgs as uuid[] or SETOF uuid.")));
}

Form_pg_proc form_of(HeapTuple tuple) {
  return reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
}

Shape shape_of(HeapTuple tuple) {
  const Form_pg_proc form = form_of(tuple);
  if (form->pronargs == 1 && form->proargtypes.values[0] == UUIDOID && !form->proretset &&
      form->prorettype == BOOLOID)
    return Shape::kAsksForOne;
  if (form->pronargs == 0 && form->proretset && form->prorettype == UUIDOID)
    return Shape::kReturnsSet;
  if (form->pronargs == 0 && !form->proretset && form->prorettype == UUIDARRAYOID)
    return Shape::kReturnsArray;
  refuse_function("neither takes a uuid and returns boolean, nor returns orgs");
}

// Finds the function under a search_path of pg_catalog alone, whoever calls. So its name must
// include the schema. Raises SM022 where it does not exist.
Oid function_oid() {
  static Statement find{"SELECT pg_catalog.to_regprocedure($1)", {TEXTOID}};
  const int level = NewGUCNestLevel();
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  find.run(settings::tenancy_function);
  bool is_null;
  const Datum found = datum_column(0, 1, &is_null);
  AtEOXact_GUC(false, level);
  if (is_null) refuse_function("does not exist");
  return DatumGetObjectId(found);
}

TenancyFunction find_function() {
  const Oid oid = function_oid();
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
  if (!HeapTupleIsValid(tuple)) refuse_function("does not exist");
  const Form_pg_proc form = form_of(tuple);
  const TenancyFunction found{
      quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname)),
      shape_of(tuple)};
  ReleaseSysCache(tuple);
  return found;
}

// Runs the application's code with the rights of `role`, read only. A setting that the code leaves
// behind is set back: a search_path of its own would apply to our next statements as the owner.
// Plans are hidden, since they contain the ids of all orgs.
void run_as(Oid role, const char* sql, int count, Oid* types, Datum* values) {
  Oid user;
  int context;
  GetUserIdAndSecContext(&user, &context);
  const int level = hide_plans();
  SetUserIdAndSecContext(role, context | SECURITY_LOCAL_USERID_CHANGE);
  const int result = SPI_execute_with_args(sql, count, types, values, nullptr, true, 0);
  AtEOXact_GUC(false, level);
  SetUserIdAndSecContext(user, context);
  if (result != SPI_OK_SELECT)
    elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
}

// --- lists of orgs ------------------------------------------------------------------------------

ArrayType* to_array(Datum* orgs, int count) {
  return construct_array(orgs, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR);
}

// Raises SM022 unless the result has that type. The function was checked before it ran, and may
// have been replaced since.
void require_result(Oid type) {
  if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) != type)
    refuse_function("returned another type than it was declared with");
}

ArrayType* orgs_in_rows() {
  require_result(UUIDOID);
  auto* orgs = static_cast<Datum*>(palloc(sizeof(Datum) * (SPI_processed + 1)));
  int count = 0;
  for (uint64 row = 0; row < SPI_processed; ++row) {
    bool is_null;
    orgs[count] = datum_column(row, 1, &is_null);
    if (!is_null) ++count;
  }
  return to_array(orgs, count);
}

// Reads the orgs as the owner: the role's own view of them depends on this result.
ArrayType* all_orgs() {
  static Statement list{"SELECT org_id FROM @extschema@.sms_settings", {}};
  const SecurityContext caller = switch_to(owner_role());
  list.run();
  restore_context(caller);
  return orgs_in_rows();
}

ArrayType* orgs_by_function(Oid role) {
  const TenancyFunction function = find_function();
  Oid types[] = {UUIDARRAYOID};
  Datum values[] = {0};
  switch (function.shape) {
    case Shape::kAsksForOne:
      values[0] = PointerGetDatum(all_orgs());
      run_as(role, psprintf("SELECT o FROM pg_catalog.unnest($1) o WHERE %s(o)", function.name), 1,
             types, values);
      return orgs_in_rows();
    case Shape::kReturnsSet:
      run_as(role, psprintf("SELECT o FROM %s() o", function.name), 0, nullptr, nullptr);
      return orgs_in_rows();
    case Shape::kReturnsArray:
      run_as(role, psprintf("SELECT o FROM pg_catalog.unnest(%s()) o", function.name), 0, nullptr,
             nullptr);
      return orgs_in_rows();
  }
  pg_unreachable();
}

// Returns whether request.jwt.claims counts in this session. Any role with SQL can set claims. So
// they count only in a session of a role that sets them from a verified token, as PostgREST does.
bool claims_count() {
  char* names = pstrdup(settings::jwt_authenticators);
  List* authenticators = NIL;
  if (!SplitIdentifierString(names, ',', &authenticators)) return false;
  const char* session_user = GetUserNameFromId(GetSessionUserId(), true);
  ListCell* cell;
  foreach (cell, authenticators)
    if (session_user != nullptr &&
        strcmp(static_cast<const char*>(lfirst(cell)), session_user) == 0)
      return true;
  return false;
}

ArrayType* orgs_by_claims() {
  const char* setting =
      claims_count() ? GetConfigOption("request.jwt.claims", true, false) : nullptr;
  if (setting == nullptr) return to_array(nullptr, 0);
  const std::string_view claims = utf8_view(setting);
  char* found = nullptr;
  int count = 0;
  const Failure failure = run_cpp([&] {
    const std::vector<Uuid> orgs = orgs_in_claims(claims);
    count = static_cast<int>(orgs.size());
    if (!orgs.empty())
      found = copy_out({reinterpret_cast<const char*>(orgs.data()), orgs.size() * UUID_LEN});
  });
  raise_if(failure);
  auto* orgs = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  for (int i = 0; i < count; ++i)
    orgs[i] = PointerGetDatum(found + i * UUID_LEN);
  return to_array(orgs, count);
}

bool contains(ArrayType* orgs, const pg_uuid_t& org_id) {
  const char* data = ARR_DATA_PTR(orgs);
  const int count = ArrayGetNItems(ARR_NDIM(orgs), ARR_DIMS(orgs));
  for (int i = 0; i < count; ++i)
    if (memcmp(data + i * UUID_LEN, &org_id, UUID_LEN) == 0) return true;
  return false;
}

}  // namespace

Oid calling_role() {
  return innermost != nullptr ? innermost->role : GetUserId();
}

bool acts_for_all_orgs(Oid role) {
  if (superuser_arg(role)) return true;
  List* name = list_make2(makeString(current_schema_name()), makeString(pstrdup("sms_every_org")));
  return may_execute(LookupFuncName(name, 0, nullptr, false), role);
}

ArrayType* orgs_of(Oid role) {
  return settings::tenancy_function[0] != '\0' ? orgs_by_function(role) : orgs_by_claims();
}

bool acts_for_org(Oid role, const pg_uuid_t& org_id) {
  if (acts_for_all_orgs(role)) return true;
  if (settings::tenancy_function[0] == '\0') return contains(orgs_by_claims(), org_id);
  const TenancyFunction function = find_function();
  if (function.shape != Shape::kAsksForOne) return contains(orgs_by_function(role), org_id);
  Oid types[] = {UUIDOID};
  Datum values[] = {UUIDPGetDatum(&org_id)};
  run_as(role, psprintf("SELECT %s($1)", function.name), 1, types, values);
  require_result(BOOLOID);
  return SPI_processed == 1 && bool_column(0, 1);
}

void begin_frame(CallerFrame* frame, Oid role) {
  *frame = {role, innermost};
  innermost = frame;
}

void end_frame(CallerFrame* frame) {
  innermost = frame->outer;
}

}  // namespace coach_sms
