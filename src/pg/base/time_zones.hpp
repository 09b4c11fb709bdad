#pragma once

// Time zones by PostgreSQL's own tables: the check of a name, and a zone's offsets for the core.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The longest name of a zone that lanes store, in bytes. The longest IANA name has 32.
inline constexpr int kLongestZone = 39;

// Returns whether `name` is an IANA zone that PostgreSQL knows. Returns false for POSIX rules
// ("XYZ+3"), which PostgreSQL accepts for any word, and for the files beside the zones (localtime,
// posix/...).
bool is_zone(const char* name);

// One offset (seconds east of UTC), in force from `from` on.
struct ZoneOffset {
  TimestampTz from;
  int seconds;
};

// Returns the number of the zone's offsets between `from` and `until`. `*offsets` is palloc'ed, in
// order; the first offset is in force at `from`. A name that is no zone, or no longer one, gets
// UTC's.
int zone_offsets(const char* name, TimestampTz from, TimestampTz until, ZoneOffset** offsets);

}  // namespace coach_sms
