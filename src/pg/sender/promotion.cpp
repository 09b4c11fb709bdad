#include "pg/sender/promotion.hpp"

#include "pg/messages/upkeep.hpp"

namespace coach_sms {

namespace {

constexpr int kAtOnce = 2000;

struct {
  pg_uuid_t come_to;
  TimestampTz again_at;
} walk;

}  // namespace

void promote_next() {
  const TimestampTz now = GetCurrentTimestamp();
  if (walk.again_at > now) return;
  const pg_uuid_t after = walk.come_to;
  const uint64 walked = promote_due(after, kAtOnce, &walk.come_to);
  if (walked > 0) expire_overdue(after, walk.come_to);
  if (walked == kAtOnce) return;
  walk.come_to = pg_uuid_t{};
  walk.again_at = now + USECS_PER_MINUTE;
}

void promote_anew() {
  walk = {};
}

}  // namespace coach_sms
