#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// The text as Twilio's Smart Encoding would change it: look-alikes that GSM-7 lacks (curly quotes,
// dashes, full-width forms) become the plain character, some marks that print nothing vanish. It
// may lengthen a text (1/2 for one character), and it replaces even where another character keeps
// the message in UCS-2. Raises kInvalidText for bytes that are not UTF-8, kInvalidBody above 16 MB.
//
// Meant for estimates: the table is that of Twilio's segment calculator (npm package
// sms-segments-calculator 1.3.0), and nobody promises that the servers use the same.
std::string smart_encode(std::string_view text);

}  // namespace coach_sms
