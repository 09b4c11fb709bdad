#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Returns all keys under which the person of a number (E.164) may be listed: the number, its other
// form (core/text/phone_forms.hpp) and, once anybody was erased, the salted hash of each. A text[]
// in the current memory context. The salt is remembered like the facts of enqueue_cache.hpp; the
// sender's pre-send check, which reads it anew, decides. Needs SPI_connect.
ArrayType* suppression_keys(text* phone);

}  // namespace coach_sms
