#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the number in E.164 form (ITU-T E.164: "+", calling code and national number, 15 digits
// at most).
//
// A possible number in this form comes back unchanged, but for a trunk prefix behind the calling
// code: +61 0412... gives +61412.... Any other text is read as somebody in `region` (ISO 3166,
// "AU") would dial it. It may hold blanks, dashes, parentheses, digits of other scripts, "tel:",
// and the region's own international prefix or 00.
//
// A number is possible if its length fits. Only a call shows whether it is in use.
//
// Throws kInvalidPhone for a number that is not possible, a dummy such as zeros only, a short code,
// letters and extensions. Throws kInvalidText for bytes that are not UTF-8, and kInvalidArgument
// for a region that libphonenumber does not know.
std::string normalize_phone(std::string_view phone, std::string_view region);

// Returns the text behind "tel:" (RFC 3966), or the text itself where it does not begin so.
std::string_view without_tel(std::string_view phone) noexcept;

// Returns the country (ISO 3166) of a number in E.164 form; empty for a number of no country. If
// the numbering plans do not know the number, its calling code decides. A shared code gives its
// main country, such as US for +1.
std::string country_of(std::string_view e164);

// Returns whether `region` is an upper-case two-letter code with a numbering plan.
bool is_known_region(std::string_view region);

}  // namespace coach_sms
