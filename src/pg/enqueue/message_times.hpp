#pragma once

#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// Checks the times of a message: scheduled_for at most one day back and 366 days ahead, expires_at
// (nullptr: none) after it and after now. Returns false with `failure` (SM010) filled.
bool check_times(TimestampTz scheduled_for, const TimestampTz* expires_at, Failure* failure);

}  // namespace coach_sms
