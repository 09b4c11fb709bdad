#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coach_sms {

// Bytes as text and back (RFC 4648). The decoders are strict: one text for each byte string (but
// for the case of hex digits), so that a decoded value can be compared by its text. They answer
// nothing where the text is anything else: no white space, no missing padding, no stray bits.

// Lower-case hex, two digits a byte.
std::string to_hex(std::string_view bytes);
// Takes either case.
std::optional<std::string> from_hex(std::string_view text);

// The standard alphabet with '+', '/' and padding.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// The text with "%" and two capital hex digits in place of each byte that is not plain.
std::string percent_encode(std::string_view text, bool (*is_plain)(char));

// The value of one hex digit, or -1.
int hex_digit_value(char digit) noexcept;

}  // namespace coach_sms
