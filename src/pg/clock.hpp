#pragma once

#include "pg/pg_api.hpp"

namespace coach_sms {

// The core counts microseconds since 1970, PostgreSQL since 2000.
inline constexpr int64 kUnixToPostgres =
    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

inline int64 to_unix_us(TimestampTz time) {
  return time == DT_NOEND ? PG_INT64_MAX : time + kUnixToPostgres;
}

inline TimestampTz from_unix_us(int64 time) {
  return time == PG_INT64_MAX ? DT_NOEND : time - kUnixToPostgres;
}

// Wall clock; never raises, so that it may be called from libcurl's callbacks.
inline int64_t unix_now_us() {
  return GetCurrentTimestamp() + kUnixToPostgres;
}

}  // namespace coach_sms
