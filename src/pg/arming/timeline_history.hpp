#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Where the server was recovered to an earlier point since it left that timeline, on purpose: the
// target, in PostgreSQL's words (before ... , at restore point ...), in the current memory context.
// nullptr where it was not: a standby that was promoted has lost nothing that it had. Not during
// recovery.
const char* recovery_target_since(TimeLineID timeline);

}  // namespace coach_sms
