#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coach_sms {

// Bytes as text and back (RFC 4648). The decoders are strict: each byte string has one text, but
// for the case of hex digits. So callers may compare a decoded value by its text. The decoders
// return nullopt for any other text: white space, missing padding, stray bits.

// Returns lower-case hex, two digits a byte.
std::string to_hex(std::string_view bytes);
// Returns the bytes of hex digits of either case.
std::optional<std::string> from_hex(std::string_view text);

// Returns base64 in the standard alphabet, with '+', '/' and padding.
std::string to_base64(std::string_view bytes);
// Returns the bytes of a text that to_base64() could have made.
std::optional<std::string> from_base64(std::string_view text);

// Returns the text with "%" and two capital hex digits (RFC 3986 section 2.1) in place of each byte
// that is not plain.
std::string percent_encode(std::string_view text, bool (*is_plain)(char));

// Returns the value of one hex digit, or -1.
int hex_digit_value(char digit) noexcept;

}  // namespace coach_sms
