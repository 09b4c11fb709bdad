#pragma once

// Time zones by PostgreSQL's own tables: whether a name is one, and its offsets for the core.

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The longest name of a zone that lanes know, as many bytes as its longest IANA name and some.
inline constexpr int kLongestZone = 39;

// Whether `name` is an IANA zone that PostgreSQL knows. POSIX rules ("XYZ+3"), which PostgreSQL
// takes for any word, are none, nor are the files beside the zones (localtime, posix/...).
bool is_zone(const char* name);

// One offset (seconds east of UTC), in force from that moment on.
struct ZoneOffset {
  TimestampTz from;
  int seconds;
};

// The offsets of a zone from `from` to `until`, in order, the first of them in force at `from`; in
// the current memory context. UTC's for a name that is no zone (any more).
int zone_offsets(const char* name, TimestampTz from, TimestampTz until, ZoneOffset** offsets);

}  // namespace coach_sms
