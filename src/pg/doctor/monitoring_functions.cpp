#include "core/http/http_pool.hpp"

#include "pg/arming/live_file.hpp"
#include "pg/base/statement.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

// Facts about the server for sms_doctor() that SQL cannot see: files, the environment, settings
// that only a superuser may read. Results contain paths at most, never a secret.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_check_key_file);
PG_FUNCTION_INFO_V1(coach_sms_check_trust);
PG_FUNCTION_INFO_V1(coach_sms_foreign_live_file);
PG_FUNCTION_INFO_V1(coach_sms_check_token);
PG_FUNCTION_INFO_V1(coach_sms_server_account);
PG_FUNCTION_INFO_V1(coach_sms_webapp_url);
PG_FUNCTION_INFO_V1(coach_sms_setting_place);
PG_FUNCTION_INFO_V1(coach_sms_oldest_snapshot);
}

using namespace coach_sms;

namespace {

Datum row_of(FunctionCallInfo fcinfo, Datum* values, bool* nulls) {
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

// Returns the row (problem text, what_to_do text); both are NULL where nothing failed.
Datum as_problem(FunctionCallInfo fcinfo, const Failure& failure) {
  Datum values[2] = {};
  bool nulls[2] = {true, true};
  if (failure.failed) {
    values[0] = PointerGetDatum(text_from_utf8(failure.message));
    values[1] = PointerGetDatum(text_from_utf8(failure.hint));
    nulls[0] = nulls[1] = false;
  }
  return row_of(fcinfo, values, nulls);
}

bool holds_certificate(FILE* file) {
  char line[1024];
  while (fgets(line, sizeof line, file) != nullptr)
    if (strstr(line, "CERTIFICATE-----") != nullptr) return true;
  return false;
}

void check_trust(const char* path, bool own, Failure* failure) {
  FILE* file = AllocateFile(path, "r");
  const char* detail = file == nullptr ? strerror(errno) : "it holds no certificate";
  const bool is_good = file != nullptr && holds_certificate(file);
  if (file != nullptr) FreeFile(file);
  if (is_good) return;
  fail(failure, kNotReady, "",
       own ? "Set coach_sms.ca_file to a file of certificates that the server's account may read, "
             "or to ''."
           : "Install the package ca-certificates, or set coach_sms.ca_file.",
       "the CA certificates for Twilio cannot be read from \"%s\": %s", path, detail);
}

// Runs the statement with the rights of the outer user, not of the definer function around it.
uint64 run_as_caller(Statement& statement, ParameterValue auto value) {
  Oid definer;
  int context;
  GetUserIdAndSecContext(&definer, &context);
  SetUserIdAndSecContext(GetOuterUserId(), context | SECURITY_RESTRICTED_OPERATION);
  const uint64 rows = statement.run(value);
  SetUserIdAndSecContext(definer, context);
  return rows;
}

// Returns the place of the last line that sets it in a configuration file, since that line counts;
// nullptr where none does.
char* find_line(const char* setting) {
  static Statement find{
      "SELECT sourcefile || ' line ' || sourceline FROM pg_catalog.pg_file_settings"
      " WHERE name = $1 ORDER BY seqno DESC LIMIT 1",
      {TEXTOID}};
  return run_as_caller(find, setting) > 0 ? text_column(0, 1) : nullptr;
}

}  // namespace

// sms_check_key_file(OUT problem text, OUT what_to_do text): whether coach_sms.key_file holds a key
Datum coach_sms_check_key_file(PG_FUNCTION_ARGS) {
  Failure failure;
  check_key_file(&failure);
  return as_problem(fcinfo, failure);
}

// sms_check_trust(OUT problem text, OUT what_to_do text): whether the file of trusted certificates
// can be read. Reports nothing where Twilio's URL, as in tests, is not https.
Datum coach_sms_check_trust(PG_FUNCTION_ARGS) {
  Failure failure;
  const bool own = settings::ca_file[0] != '\0';
  const char* path = own ? settings::ca_file : system_ca_file();
  if (path != nullptr && pg_strncasecmp(settings::twilio_api_url, "https:", 6) == 0)
    check_trust(path, own, &failure);
  return as_problem(fcinfo, failure);
}

// sms_foreign_live_file() → text: the path of a live file of the old name that is not this
// database's
Datum coach_sms_foreign_live_file(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  const char* path = foreign_live_file();
  if (path == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(path));
}

// sms_check_token(org_id uuid, sealed text, OUT problem text, OUT what_to_do text): whether the
// token opens or, without a sealed one, whether the server has a token
Datum coach_sms_check_token(PG_FUNCTION_ARGS) {
  Failure failure;
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
    wipe_token(server_token(&failure));
  else
    wipe_token(open_token(*PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), &failure));
  return as_problem(fcinfo, failure);
}

// sms_server_account() → text: the account for orgs without one, wherever it is set.
Datum coach_sms_server_account(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  const char* account = settings::twilio_account_sid();
  if (account[0] == '\0') PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(account));
}

// sms_webapp_url() → text: the URL of the application, from the setting or the environment; '' for
// none
Datum coach_sms_webapp_url(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_TEXT_P(cstring_to_text(settings::webapp_url()));
}

// sms_setting_place(setting) → text: file and line that set it; NULL for all but superusers, since
// PostgreSQL shows them to no other role
Datum coach_sms_setting_place(PG_FUNCTION_ARGS) {
  if (!superuser_arg(GetOuterUserId())) PG_RETURN_NULL();
  use_schema_of(fcinfo);
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  const char* line = find_line(text_to_cstring(PG_GETARG_TEXT_PP(0)));
  if (line != nullptr) line = MemoryContextStrdup(caller, line);
  SPI_finish();
  if (line == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(line));
}

// sms_oldest_snapshot(OUT holder text, OUT since timestamptz): the oldest transaction that holds
// back vacuum. Sessions that the caller does not see in pg_stat_activity are left out.
Datum coach_sms_oldest_snapshot(PG_FUNCTION_ARGS) {
  static Statement find{
      "SELECT 'process ' || a.pid, a.xact_start FROM pg_catalog.pg_stat_activity a"
      " WHERE a.backend_xmin IS NOT NULL AND a.datid = $1 AND a.xact_start IS NOT NULL"
      " UNION ALL SELECT 'prepared transaction ' || p.gid, p.prepared FROM "
      "pg_catalog.pg_prepared_xacts p"
      " ORDER BY 2 LIMIT 1",
      {OIDOID}};
  use_schema_of(fcinfo);
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  Datum values[2] = {};
  bool nulls[2] = {true, true};
  if (run_as_caller(find, MyDatabaseId) > 0) {
    values[1] = TimestampTzGetDatum(time_column(0, 2, 0));
    MemoryContext ours = MemoryContextSwitchTo(caller);
    values[0] = CStringGetTextDatum(text_column(0, 1));
    MemoryContextSwitchTo(ours);
    nulls[0] = nulls[1] = false;
  }
  SPI_finish();
  return row_of(fcinfo, values, nulls);
}
