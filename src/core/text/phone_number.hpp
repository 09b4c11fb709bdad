#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// The number in E.164 form (ITU-T E.164: "+", calling code and national number, 15 digits at most).
//
// A possible number that has this form already comes back unchanged, but for a trunk prefix behind
// the calling code, which is no part of it (+61 0412... is +61412...). Any other is read as
// somebody in `region` (ISO 3166, "AU") would dial it: with blanks, dashes, parentheses, digits of
// other scripts, "tel:", the region's own international prefix or 00.
//
// Possible means that the length fits: whether it is in use only a call can tell. Raises
// kInvalidPhone for a number that is not possible, a short code, letters and extensions;
// kInvalidArgument for a region that libphonenumber does not know.
std::string normalize_phone(std::string_view phone, std::string_view region);

// The country (ISO 3166) that a number in E.164 form belongs to, by its calling code where the
// plans do not know the number (the main country of a shared code: US for +1). Empty for numbers of
// no country.
std::string country_of(std::string_view e164);

// Whether `region` is an upper-case two-letter code with a numbering plan.
bool is_known_region(std::string_view region);

}  // namespace coach_sms
