#include <cctype>

#include "core/base/encoding.hpp"

#include "pg/base/soft_input.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr size_t kMaxTimeText = MAXDATELEN;  // the limit of timestamptz_in

#if PG_VERSION_NUM >= 160000

int decode_date_time(char** fields, int* types, int count, int* kind, pg_tm* time, fsec_t* fraction,
                     int* zone) {
  DateTimeErrorExtra extra;
  return DecodeDateTime(fields, types, count, kind, time, fraction, zone, &extra);
}

#else

// Returns whether a field after the first names an unknown time zone. DecodeDateTime() of
// PostgreSQL 15 raises an error for one.
bool names_unknown_zone(char** fields, const int* types, int count) {
  for (int i = 1; i < count; ++i)
    if (types[i] == DTK_DATE && isalpha(static_cast<unsigned char>(fields[i][0])) &&
        pg_tzset(fields[i]) == nullptr)
      return true;
  return false;
}

int decode_date_time(char** fields, int* types, int count, int* kind, pg_tm* time, fsec_t* fraction,
                     int* zone) {
  if (names_unknown_zone(fields, types, count)) return DTERR_BAD_FORMAT;
  return DecodeDateTime(fields, types, count, kind, time, fraction, zone);
}

#endif

}  // namespace

bool parse_uuid(const char* text, pg_uuid_t* value) {
  const bool braces = *text == '{';
  if (braces) ++text;
  for (int byte = 0; byte < UUID_LEN; ++byte) {
    const int high = hex_digit_value(text[0]);
    const int low = high < 0 ? -1 : hex_digit_value(text[1]);
    if (low < 0) return false;
    value->data[byte] = static_cast<unsigned char>(high * 16 + low);
    text += 2;
    if (*text == '-' && byte % 2 == 1 && byte < UUID_LEN - 1) ++text;
  }
  return braces ? text[0] == '}' && text[1] == '\0' : text[0] == '\0';
}

bool parse_timestamptz(const char* text, TimestampTz* value) {
  char work[MAXDATELEN + MAXDATEFIELDS];
  char* fields[MAXDATEFIELDS];
  int types[MAXDATEFIELDS];
  int count;
  int kind;
  pg_tm time{};
  fsec_t fraction;
  int zone;
  if (strlen(text) > kMaxTimeText ||
      ParseDateTime(text, work, sizeof work, fields, types, MAXDATEFIELDS, &count) != 0 ||
      decode_date_time(fields, types, count, &kind, &time, &fraction, &zone) != 0)
    return false;
  switch (kind) {
    case DTK_DATE:
      return tm2timestamp(&time, fraction, &zone, value) == 0;
    case DTK_EPOCH:
      *value = SetEpochTimestamp();
      return true;
    case DTK_LATE:
      *value = DT_NOEND;
      return true;
    case DTK_EARLY:
      *value = DT_NOBEGIN;
      return true;
    default:
      return false;
  }
}

bool parse_smallint(const char* text, int16* value) {
  char* end;
  const long number = strtol(text, &end, 10);
  if (end == text || *end != '\0' || number < PG_INT16_MIN || number > PG_INT16_MAX) return false;
  *value = static_cast<int16>(number);
  return true;
}

}  // namespace coach_sms
