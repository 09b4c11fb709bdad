#include <initializer_list>

#include "pg/base/time_zones.hpp"

namespace coach_sms {

namespace {

constexpr int kMostOffsets = 32;  // in a few days; two are rare already

// Returns whether `name` is one of IANA's names with digits. PostgreSQL reads any other name with
// digits as a POSIX rule. The sign of a rule is inverted: GMT+10 is west of Greenwich (manual,
// section B.5).
bool may_have_digits(const char* name) {
  static const char* const names[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
                                      "GMT0",    "GMT+0",   "GMT-0",   "Etc/GMT0"};
  for (const char* each : names)
    if (pg_strcasecmp(name, each) == 0) return true;
  if (pg_strncasecmp(name, "Etc/GMT", 7) != 0 || (name[7] != '+' && name[7] != '-')) return false;
  const char* hours = name + 8;
  if (strspn(hours, "0123456789") != strlen(hours) || strlen(hours) > 2) return false;
  return hours[0] != '\0' && atoi(hours) <= (name[7] == '-' ? 14 : 12);
}

// Returns whether `name` is a file beside IANA's zones: this machine's own zone, the rules for
// POSIX names, or the placeholder for no choice. Under posix and right all zones stand once more,
// without and with leap seconds. On another server these names may mean other zones.
bool is_no_place(const char* name) {
  for (const char* each : {"localtime", "posixrules", "Factory"})
    if (pg_strcasecmp(name, each) == 0) return true;
  return pg_strncasecmp(name, "posix/", 6) == 0 || pg_strncasecmp(name, "right/", 6) == 0;
}

pg_tz* find_zone(const char* name) {
  if (name[0] == '\0' || strlen(name) > kLongestZone || is_no_place(name)) return nullptr;
  if (strpbrk(name, "0123456789<>,") != nullptr && !may_have_digits(name)) return nullptr;
  pg_tz* zone = pg_tzset(name);
  return zone != nullptr && pg_tz_acceptable(zone) ? zone : nullptr;
}

}  // namespace

bool is_zone(const char* name) {
  return find_zone(name) != nullptr;
}

int zone_offsets(const char* name, TimestampTz from, TimestampTz until, ZoneOffset** offsets) {
  pg_tz* zone = find_zone(name);
  auto* found = static_cast<ZoneOffset*>(palloc(sizeof(ZoneOffset) * kMostOffsets));
  *offsets = found;
  found[0] = {from, 0};
  if (zone == nullptr) return 1;
  pg_time_t at = timestamptz_to_time_t(from);
  const pg_time_t end = timestamptz_to_time_t(until);
  found[0].seconds = static_cast<int>(pg_localtime(&at, zone)->tm_gmtoff);
  int count = 1;
  while (count < kMostOffsets) {
    long before, after;
    int was_dst, is_dst;
    pg_time_t boundary;
    if (pg_next_dst_boundary(&at, &before, &was_dst, &boundary, &after, &is_dst, zone) != 1 ||
        boundary > end)
      break;
    found[count++] = {time_t_to_timestamptz(boundary), static_cast<int>(after)};
    at = boundary + 1;
  }
  return count;
}

}  // namespace coach_sms
