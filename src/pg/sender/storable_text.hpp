#pragma once

namespace coach_sms {

// Replaces the bytes of all non-ASCII characters by '?', in place, unless the database's encoding
// is UTF-8. So no answer of Twilio makes a record fail. Returns `text`; nullptr is allowed.
char* storable(char* text);

}  // namespace coach_sms
