#pragma once

#include "pg/workers/worker.hpp"

namespace coach_sms {

// Sends until it is asked to stop (should_stop()) or until a step finds the extension in another
// extension_status than kUsable or kBusy; comes back with nothing in flight. Called again when the
// extension is usable again.
void sender_run(WorkerContext* context);

}  // namespace coach_sms
