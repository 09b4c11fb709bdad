#pragma once

namespace coach_sms {

// Registers the launcher with the postmaster: from _PG_init, when the library is preloaded.
void register_launcher();

}  // namespace coach_sms
