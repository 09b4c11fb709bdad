#pragma once

#include <string>
#include <string_view>

#include "core/webhook/form.hpp"

namespace coach_sms {

// Checks whether a form is cut into parameters as Twilio cut it. Twilio signs the sorted names and
// values with nothing between them, so a signature also fits every other cut of the same text. A
// person chooses a part of that text: their words and their profile's name.

// Returns why these parameters may be another cut of the text that Twilio signed, as half a
// sentence for the log. Returns an empty text if no other cut is a call about another message or
// another person. `sid` is the message SID that was read from them.
//
// Each call of Twilio's has From with an address and behind it, in the order of the names,
// MessageSid with a SID. A person's words end before the true From. So a call forged in another
// person's name must hide the true From in a name or a value. The text must therefore have a single
// reading: no other From with an address may have a MessageSid with a SID behind it. In Body, which
// may hold anything, another From counts only if a SID of its own follows.
//
// Moreover:
//  - MessageSid, SmsSid and a status stand in no other parameter where the order would let them be
//    a parameter.
//  - Each parameter that we read comes once.
//  - The SID's other names agree with it.
//  - Each name has the characters that Twilio uses.
std::string find_other_cut(const FormParams& params, std::string_view sid);

}  // namespace coach_sms
