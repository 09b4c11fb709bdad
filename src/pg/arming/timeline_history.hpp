#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Returns the recovery target if the server was recovered to an earlier point since it left
// `timeline`, else nullptr. The text has PostgreSQL's words ("before ...", "at restore point ..."),
// static or in the current memory context. A promotion returns nullptr: a promoted standby has lost
// nothing that it had. Must not be called during recovery.
const char* recovery_target_since(TimeLineID timeline);

}  // namespace coach_sms
