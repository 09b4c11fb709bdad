#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <string_view>

namespace coach_sms {

// What a text from a person means for consent (Twilio, "Twilio support for opt-out keywords" and
// "Customize users' opt-in and opt-out experience with Advanced Opt-Out").
enum class Keyword {
  kNone,
  kStop,   // STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE, OPTOUT; also in two words
  kStart,  // START, UNSTOP
  kYes,    // lifts an opt-out too, but is also an ordinary answer
  kHelp,   // HELP, INFO
};

// Twilio's own verdict (OptOutType: STOP, START or HELP) where it gives one. Else the whole text
// must be the keyword, in any case, with blanks, quotes and punctuation around it or not: wider
// than Twilio's rule, for an opt-out too many is the safe side. "stop please" is none.
Keyword read_keyword(std::string_view body, std::string_view opt_out_type);

// The word that sms_events.event_status keeps: STOP, START, YES, HELP, or nullptr.
const char* keyword_name(Keyword keyword) noexcept;

}  // namespace coach_sms
