#pragma once

#include <string>
#include <string_view>

#include "core/webhook/form.hpp"

namespace coach_sms {

// Whether a form is cut as Twilio cut it. Twilio signs the sorted names and values with nothing
// between them, so a signature fits every other cut of the same text, and a person chooses a part
// of that text: their words, their profile's name.

// Returns why these parameters may be another cut of what Twilio signed, as half a sentence for the
// log; empty where no other cut of them is a call about another message or another person. `sid` is
// the one that they are read with.
//
// Each call of Twilio's has From with an address and behind it, in the order of the names,
// MessageSid with a SID. A person's words end before the true From, so whoever says something else
// in another's name has to hide that one in a name or value. Thus the text must have a single
// reading: no From with an address but the parameter's own, after which MessageSid with a SID can
// follow in order. In Body, which may hold anything, such a From counts where a SID of its own
// follows. Nor may MessageSid, SmsSid or a status stand in another parameter where the order would
// let it be one. Besides: ours come once, the SID's other names agree, and names are plain.
std::string find_other_cut(const FormParams& params, std::string_view sid);

}  // namespace coach_sms
