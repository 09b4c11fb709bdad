#pragma once

#include <string_view>

namespace coach_sms {

// The encoding of a text: seven-bit characters (GSM 03.38) if it has no others, else UTF-16.
enum class Encoding { kGsm7, kUcs2 };

// Returns "GSM-7" or "UCS-2".
const char* encoding_name(Encoding encoding);

// The segments of a text, which Twilio charges for. `units` counts septets in GSM-7 (an extension
// character takes two) and 16-bit units in UCS-2. The empty text is one segment of no units.
struct Segments {
  Encoding encoding;
  int segments;
  int units;
};

// All functions below throw kInvalidText for bytes that are not UTF-8.

// Counts the segments of a text. One segment holds 160 septets or 70 units; several hold 153 or 67
// each. No escape pair and no surrogate pair is split between two segments. A cluster such as a
// family emoji may be, although Twilio's own calculator keeps it whole. Twilio's num_segments has
// the last word.
Segments count_segments(std::string_view text);

// Returns the length in UTF-16 units, as Twilio may count it: an emoji counts two.
int utf16_units(std::string_view text);

// The longest text that Twilio takes in one message (error 21617). Its pages say characters; UTF-16
// units are the stricter reading.
inline constexpr int kMaxBodyUnits = 1600;

// Throws kInvalidBody for a text without a visible character (Twilio's error 21619) and for a text
// above kMaxBodyUnits. Throws kInvalidText for NUL. Other control characters are allowed.
void check_body(std::string_view body);

}  // namespace coach_sms
