#pragma once

#include "pg/workers/worker.hpp"

namespace coach_sms {

// Sends until it must stop (should_stop()), or until a step finds an extension_status other than
// kUsable and kBusy. Returns with nothing in flight. Call it again once the extension is usable.
// Raises errors.
void sender_run(WorkerContext* context);

}  // namespace coach_sms
