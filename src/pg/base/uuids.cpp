#include "pg/base/uuids.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_uuidv7);
}

namespace coach_sms {

const char* uuid_text(const pg_uuid_t& id) {
  return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id)));
}

pg_uuid_t first_uuidv7(TimestampTz time) {
  pg_uuid_t id = new_uuidv7(time);
  memset(id.data + 6, 0, UUID_LEN - 6);
  return id;
}

namespace {

constexpr int64 kUnixEpoch =
    static_cast<int64>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

// Gives random bytes for an id from a stock: a call of the generator costs as much as an index
// entry.
void take_random(pg_uuid_t* id) {
  static pg_uuid_t stock[64];
  static int left = 0;
  if (left == 0) {
    if (!pg_strong_random(stock, sizeof stock))
      ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
    left = lengthof(stock);
  }
  *id = stock[--left];
}

}  // namespace

pg_uuid_t new_uuidv7(TimestampTz time) {
  pg_uuid_t id;
  take_random(&id);
  const uint64 microseconds = static_cast<uint64>(time + kUnixEpoch);
  const uint64 milliseconds = microseconds / 1000;
  const uint64 fraction = microseconds % 1000 * 4096 / 1000;
  for (int byte = 0; byte < 6; ++byte)
    id.data[byte] = static_cast<unsigned char>(milliseconds >> (40 - 8 * byte));
  id.data[6] = static_cast<unsigned char>(0x70 | (fraction >> 8));
  id.data[7] = static_cast<unsigned char>(fraction);
  id.data[8] = static_cast<unsigned char>(0x80 | (id.data[8] & 0x3F));
  return id;
}

TimestampTz time_of_uuidv7(const pg_uuid_t& id) {
  if ((id.data[6] & 0xF0) != 0x70) return DT_NOBEGIN;
  int64 milliseconds = 0;
  for (int byte = 0; byte < 6; ++byte)
    milliseconds = milliseconds << 8 | id.data[byte];
  return milliseconds * 1000 - kUnixEpoch;
}

}  // namespace coach_sms

using namespace coach_sms;

// sms_uuidv7() → uuid: a new id of version 7, as of now
Datum coach_sms_uuidv7(PG_FUNCTION_ARGS) {
  (void)fcinfo;
  auto* result = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  *result = new_uuidv7(GetCurrentTimestamp());
  PG_RETURN_UUID_P(result);
}
