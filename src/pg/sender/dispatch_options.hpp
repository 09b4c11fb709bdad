#pragma once

#include "core/sending/dispatch.hpp"
#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// Returns the settings as Dispatch takes them. Runs inside run_cpp().
DispatchOptions dispatch_options();

}  // namespace coach_sms
