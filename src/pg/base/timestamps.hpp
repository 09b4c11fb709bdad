#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The microseconds between the core's epoch, 1970, and PostgreSQL's, 2000. The conversions map a
// time beyond the other side's range to the end or the beginning of all times.
inline constexpr int64 kUnixToPostgres =
    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

inline int64 to_unix_us(TimestampTz time) {
  return time > PG_INT64_MAX - kUnixToPostgres ? PG_INT64_MAX : time + kUnixToPostgres;
}

inline TimestampTz from_unix_us(int64 time) {
  if (time == PG_INT64_MAX) return DT_NOEND;
  return time < PG_INT64_MIN + kUnixToPostgres ? DT_NOBEGIN : time - kUnixToPostgres;
}

// Returns the wall clock's time in microseconds since 1970. Never raises an error, so that
// libcurl's callbacks may call it.
inline int64_t unix_now_us() {
  return GetCurrentTimestamp() + kUnixToPostgres;
}

}  // namespace coach_sms
