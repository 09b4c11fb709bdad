#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Returns when a waiting message expires: at `expires_at` (DT_NOEND: never) or coach_sms.max_wait
// after `scheduled_for`, whichever is earlier. In SQL it is sms_ends_at().
TimestampTz ends_at(TimestampTz scheduled_for, TimestampTz expires_at);

}  // namespace coach_sms
