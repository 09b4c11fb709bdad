#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Small conversions. They are the fake's own on purpose: a judge that shared its decoders with
// src/core would not notice a mistake that encoder and decoder make alike.
namespace fake_twilio {

// Microseconds since 1970, UTC.
using Micros = std::int64_t;
constexpr Micros kSecond = 1'000'000;

// Returns the machine's time (CLOCK_REALTIME).
Micros now();

// Returns "Thu, 24 Aug 2023 05:01:45" and `zone`: "+0000" in Twilio's JSON, "GMT" in HTTP.
std::string date(Micros time, const char* zone);

// Reads digits only, at most 18 of them.
std::optional<std::int64_t> parse_number(std::string_view text);

// Percent-encodes everything but letters, digits and "-_.~".
std::string percent_encoded(std::string_view text);
// Decodes a name or value of a form. A % that no two hex digits follow stands for itself (WHATWG
// URL, percent-decode).
std::string form_decoded(std::string_view text);

std::string base64(std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view message);

// Returns a text's length in UTF-16 units; nothing if the bytes are no valid UTF-8.
std::optional<std::size_t> utf16_length(std::string_view utf8);

bool is_e164(std::string_view number);  // + and 7 to 15 digits, the first not 0
bool is_sid(std::string_view text, std::string_view prefix);

// True for http or https and a host without an underscore (Twilio error 21609).
bool is_callback_url(std::string_view url);
bool is_loopback_url(std::string_view url);

}  // namespace fake_twilio
