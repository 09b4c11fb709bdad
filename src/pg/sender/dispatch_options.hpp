#pragma once

#include "core/sending/dispatch.hpp"
#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// Returns the settings in the form of Dispatch. Call it inside run_cpp(); the settings' strings
// must not change during the call.
DispatchOptions dispatch_options();

}  // namespace coach_sms
