#pragma once

#include <string_view>

namespace coach_sms {

// How a text travels: in seven-bit characters (GSM 03.38) if it has no others, else in UTF-16.
enum class Encoding { kGsm7, kUcs2 };

// "GSM-7" or "UCS-2".
const char* encoding_name(Encoding encoding);

// What a text costs. units: septets in GSM-7 (an extension character takes two), 16-bit units in
// UCS-2. The empty text is one segment of no units.
struct Segments {
  Encoding encoding;
  int segments;
  int units;
};

// All functions here raise kInvalidText for bytes that are not UTF-8.

// One segment holds 160 septets or 70 units, several hold 153 or 67 each; neither an escape pair
// nor a surrogate pair is ever parted. Clusters such as family emoji may be, where Twilio's own
// calculator keeps them whole; what Twilio answers as num_segments has the last word.
Segments count_segments(std::string_view text);

// The length as Twilio may count it: an emoji counts two.
int utf16_units(std::string_view text);

// The most that Twilio takes in one message (error 21617). Its pages say characters; UTF-16 units
// are the stricter reading of it.
inline constexpr int kMaxBodyUnits = 1600;

// Raises kInvalidBody for a text without a visible character (Twilio's error 21619) and for one
// above kMaxBodyUnits, kInvalidText for NUL. Other control characters are text.
void check_body(std::string_view body);

}  // namespace coach_sms
