#include "core/sending/endings.hpp"

#include <algorithm>
#include <iterator>

#include "pg/base/uuids.hpp"
#include "pg/settings.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_message_ended);
PG_FUNCTION_INFO_V1(coach_sms_text_came);
}

using namespace coach_sms;

namespace {

static_assert(kEndingCounters == kEndingCount);

// The row of a row trigger, as it is after the statement.
struct ChangedRow {
  HeapTuple tuple;
  TupleDesc columns;

  // Returns "" for NULL.
  const char* text(const char* column) const {
    const char* value = SPI_getvalue(tuple, columns, SPI_fnumber(columns, column));
    return value != nullptr ? value : "";
  }
  const char* id() const {
    bool is_null;
    const Datum id = SPI_getbinval(tuple, columns, SPI_fnumber(columns, "id"), &is_null);
    return uuid_text(*DatumGetUUIDP(id));
  }
};

ChangedRow changed_row(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
    elog(ERROR, "the trigger function of news was put on something else");
  const bool is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
  return {is_update ? trigger->tg_newtuple : trigger->tg_trigtuple, trigger->tg_relation->rd_att};
}

// Returns whether the application itself took the message back. It knows of that, and PostgreSQL
// prepares no transaction that has sent a NOTIFY.
bool is_taken_back(std::string_view error_code) {
  constexpr std::string_view kCodes[] = {"cancelled_by_user", "booking_cancelled",
                                         "booking_changed"};
  return std::find(std::begin(kCodes), std::end(kCodes), error_code) != std::end(kCodes);
}

void notify(const char* channel, const char* id) {
  if (settings::notify) Async_Notify(channel, id);
}

}  // namespace

// Trigger: counts the message that ended, and sends its id by NOTIFY, unless coach_sms.notify is
// off or the application took the message back.
Datum coach_sms_message_ended(PG_FUNCTION_ARGS) {
  const ChangedRow row = changed_row(fcinfo);
  const char* error_code = row.text("error_code");
  const int ending = ending_of(row.text("status"), error_code);
  if (ending >= 0) note_ending(ending);
  if (!is_taken_back(error_code)) notify("sms_message", row.id());
  return Datum{0};
}

// Trigger: sends the id of an event with a person's text by NOTIFY, unless coach_sms.notify is off.
Datum coach_sms_text_came(PG_FUNCTION_ARGS) {
  notify("sms_inbound", changed_row(fcinfo).id());
  return Datum{0};
}
