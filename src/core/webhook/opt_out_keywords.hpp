#pragma once

#include <span>
#include <string_view>

namespace coach_sms {

// What a text from a person means for consent.
enum class Keyword {
  kNone,
  kStop,
  kStart,
  kYes,  // lifts an opt-out too, but is also an ordinary answer
  kHelp,
};

// A text that counts, in small letters, and where that is written.
struct KeywordRow {
  std::string_view text;
  Keyword keyword;
  std::string_view source;
};

// All that count without Twilio's verdict. Other languages' words for an opt-out need a source;
// what opts in is START, UNSTOP and YES alone. All else an account configures at Twilio, and it
// comes as OptOutType.
std::span<const KeywordRow> keyword_table() noexcept;

// Returns Twilio's own verdict (OptOutType: STOP, START or HELP) where it gives one. Else the whole
// text must be a row of the table: width and case are folded (Unicode's NFKC_Casefold), and
// whatever is no letter, mark or number is as good as a blank: punctuation, symbols, blanks,
// invisible characters, and characters that this ICU does not know yet. That is wider than Twilio's
// rule, for an opt-out too many is the safe side. "stop please" is none. Raises kInternal where ICU
// has no data.
Keyword read_keyword(std::string_view body, std::string_view opt_out_type);

// The word that sms_events.event_status keeps: STOP, START, YES, HELP, or nullptr.
const char* keyword_name(Keyword keyword) noexcept;

}  // namespace coach_sms
