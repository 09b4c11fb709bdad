#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the text as Twilio's Smart Encoding would change it. Look-alikes that GSM-7 lacks (curly
// quotes, dashes, full-width forms) become the plain character. Some marks that print nothing
// vanish. The result may be longer (1/2 for one character). Look-alikes change even if another
// character keeps the message in UCS-2. Throws kInvalidText for bytes that are not UTF-8,
// kInvalidBody above 16 MiB.
//
// The result is an estimate: the table is the one of Twilio's segment calculator (npm package
// sms-segments-calculator 1.3.0). Twilio does not promise that its servers use the same table.
std::string smart_encode(std::string_view text);

}  // namespace coach_sms
