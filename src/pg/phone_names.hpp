#pragma once

#include "pg/pg_api.hpp"

namespace coach_sms {

// As what a number stands in sms_suppression and sms_opt_outs: itself, and once anybody was erased
// its salted hash. A text[] in the current memory context. The salt is remembered like the facts of
// org_facts.hpp: what it says of a number is settled by the sender's last check. Needs SPI_connect.
ArrayType* phone_names(text* phone);

}  // namespace coach_sms
