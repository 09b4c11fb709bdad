#include "core/limits/quiet_hours.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/time_zones.hpp"

// Time zones and quiet hours for SQL.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_is_zone);
PG_FUNCTION_INFO_V1(coach_sms_known_zone);
PG_FUNCTION_INFO_V1(coach_sms_opens_at);
}

using namespace coach_sms;

namespace {

TimestampTz opening(int start, int end, const char* zone, TimestampTz at) {
  ZoneOffset* offsets;
  const int count = zone_offsets(zone, at - USECS_PER_DAY, at + 4 * USECS_PER_DAY, &offsets);
  int64 opens = 0;
  raise_if(run_cpp([&] {
    std::vector<ZoneSpan> spans;
    spans.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      spans.push_back({offsets[i].from, offsets[i].seconds});
    opens = opens_at({start, end}, spans, at);
  }));
  return opens;
}

}  // namespace

// coach_sms_is_zone(name) → boolean: whether the name is an IANA zone
Datum coach_sms_is_zone(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(is_zone(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

// coach_sms_known_zone(name) → text: the name, or UTC where it is no zone
Datum coach_sms_known_zone(PG_FUNCTION_ARGS) {
  const char* name = PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0));
  PG_RETURN_TEXT_P(cstring_to_text(is_zone(name) ? name : "UTC"));
}

// coach_sms_opens_at(org_id, at, zone) → timestamptz: `at`, or the end of the org's quiet hours in
// the zone if they hold then; zone '*' has none
Datum coach_sms_opens_at(PG_FUNCTION_ARGS) {
  static Statement read{R"sql(
      SELECT quiet_hours_start, quiet_hours_end, coalesce(nullif($2, ''), timezone)
        FROM @extschema@.sms_settings WHERE org_id = $1 AND $2 <> '*'
         AND quiet_hours_start <> quiet_hours_end)sql",
                        {UUIDOID, TEXTOID}};
  TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
  if (TIMESTAMP_NOT_FINITE(at)) PG_RETURN_TIMESTAMPTZ(at);
  use_schema_of(fcinfo);
  SPI_connect();
  if (read.run(PG_GETARG_DATUM(0), PG_GETARG_DATUM(2)) == 1)
    at = opening(int_column(0, 1), int_column(0, 2), text_column(0, 3), at);
  SPI_finish();
  PG_RETURN_TIMESTAMPTZ(at);
}
