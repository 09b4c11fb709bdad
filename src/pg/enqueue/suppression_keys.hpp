#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Returns all keys under which the person of a number (E.164) may be listed, as a text[] in the
// current memory context. They are the number, its other form (core/text/phone_forms.hpp) and,
// after the first erasure, the salted hash of each. The salt is cached as in enqueue_cache.hpp. The
// sender's pre-send check reads it anew, and decides. Needs SPI_connect.
ArrayType* suppression_keys(text* phone);

}  // namespace coach_sms
