#pragma once

namespace coach_sms {

// Registers the launcher with the postmaster. _PG_init calls it when the library is preloaded.
void register_launcher();

}  // namespace coach_sms
