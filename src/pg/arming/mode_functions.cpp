#include "pg/arming/arming.hpp"
#include "pg/base/statement.hpp"
#include "pg/settings.hpp"
#include "pg/shared/commit_signals.hpp"

#include "pg/base/pg_api.hpp"

// The SQL functions behind sms_go_live(), sms_go_sandbox() and the views of the mode.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_arm);
PG_FUNCTION_INFO_V1(coach_sms_mode);
PG_FUNCTION_INFO_V1(coach_sms_system_identifier);
}

using namespace coach_sms;

namespace {

bool server_has_sender() {
  return settings::twilio_account_sid()[0] != '\0' &&
         (settings::twilio_phone_number[0] != '\0' ||
          settings::twilio_messaging_service_sid[0] != '\0');
}

bool an_org_has_sender() {
  static Statement find{R"sql(
      SELECT FROM @extschema@.sms_settings
       WHERE (coalesce(twilio_account_sid, '') <> '' OR $1)
         AND (coalesce(twilio_phone_number, '') <> ''
              OR coalesce(twilio_messaging_service_sid, '') <> '') LIMIT 1)sql",
                        {BOOLOID}};
  return find.run(settings::twilio_account_sid()[0] != '\0') > 0;
}

void warn_without_sender() {
  if (server_has_sender() || an_org_has_sender()) return;
  ereport(WARNING, (errmsg("nothing can be sent yet: no Twilio account and sender are configured"),
                    errhint("Fill sms_settings for an org, or set coach_sms.twilio_account_sid and "
                            "coach_sms.twilio_phone_number for the server.")));
}

}  // namespace

// sms_arm(live boolean): writes the row, and the file; the caller rebuilds the queue in the same
// transaction
Datum coach_sms_arm(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  Failure failure;
  SPI_connect();
  if (PG_GETARG_BOOL(0)) {
    arm_live(&failure);
    raise_if(failure);
    warn_without_sender();
  } else {
    arm_sandbox();
  }
  SPI_finish();
  poke_launcher_at_commit();
  PG_RETURN_VOID();
}

// sms_mode(OUT mode text, OUT reason text): the mode as of now; the reason why it is "not armed"
Datum coach_sms_mode(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  const char* why;
  const coach_sms::Mode mode = read_mode(&why);
  MemoryContext ours = MemoryContextSwitchTo(caller);
  Datum values[] = {CStringGetTextDatum(word_for(mode)),
                    why != nullptr ? CStringGetTextDatum(why) : Datum{0}};
  bool nulls[] = {false, why == nullptr};
  HeapTuple row = heap_form_tuple(BlessTupleDesc(columns), values, nulls);
  MemoryContextSwitchTo(ours);
  SPI_finish();
  PG_RETURN_DATUM(HeapTupleGetDatum(row));
}

Datum coach_sms_system_identifier(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  PG_RETURN_INT64(static_cast<int64>(GetSystemIdentifier()));
}
