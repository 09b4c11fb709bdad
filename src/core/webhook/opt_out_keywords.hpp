#pragma once

#include <span>
#include <string_view>

namespace coach_sms {

// The meaning of a person's text for consent.
enum class Keyword {
  kNone,
  kStop,
  kStart,
  kYes,  // lifts an opt-out too, but is also an ordinary answer
  kHelp,
};

// A text that counts, in small letters, and the page that says so.
struct KeywordRow {
  std::string_view text;
  Keyword keyword;
  std::string_view source;
};

// Returns every text that counts without Twilio's verdict. An opt-out in another language needs a
// source. Only START, UNSTOP and YES opt in. An account configures all other words at Twilio, and
// they come as OptOutType.
std::span<const KeywordRow> keyword_table() noexcept;

// Returns Twilio's own verdict (OptOutType: STOP, START or HELP) where it gives one. Else the whole
// text must be a row of the table: "stop please" is none. Width and case are folded (Unicode's
// NFKC_Casefold). Any character that is no letter, mark or number counts as a blank: punctuation,
// symbols, blanks, invisible characters, and characters that this ICU does not know. This is wider
// than Twilio's rule, because one opt-out too many is the safe side. Throws kInternal where ICU has
// no data.
Keyword read_keyword(std::string_view body, std::string_view opt_out_type);

// Returns the word that sms_events.event_status keeps: STOP, START, YES, HELP, or nullptr.
const char* keyword_name(Keyword keyword) noexcept;

}  // namespace coach_sms
