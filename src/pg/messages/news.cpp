#include "pg/base/uuids.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_notify_app);
}

using namespace coach_sms;

// Trigger: sends NOTIFY with the row's id on the channel that its argument names, unless
// coach_sms.notify is off.
Datum coach_sms_notify_app(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1)
    elog(ERROR, "the trigger function of news was put on something else");
  if (!settings::notify) return Datum{0};
  const HeapTuple row =
      TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
  TupleDesc columns = trigger->tg_relation->rd_att;
  bool is_null;
  const Datum id = SPI_getbinval(row, columns, SPI_fnumber(columns, "id"), &is_null);
  Async_Notify(trigger->tg_trigger->tgargs[0], uuid_text(*DatumGetUUIDP(id)));
  return Datum{0};
}
