#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Small conversions. They are the fake's own on purpose: a judge that shared its decoders with
// src/core would never notice a mistake that encoder and decoder make alike.
namespace fake_twilio {

// Digits only, at most 18 of them.
std::optional<std::int64_t> parse_number(std::string_view text);

void append_number(std::string& out, std::int64_t number);

// A JSON string with its quotes. Other bytes than controls, quote and backslash pass unchanged.
void append_json(std::string& out, std::string_view text);
// The same, or null for the empty text.
void append_json_or_null(std::string& out, std::string_view text);

// Percent-encodes everything but letters, digits and "-_.~".
void append_percent(std::string& out, std::string_view text);

std::string base64(std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view message);

// Length of a text in UTF-16 units; nothing if the bytes are no valid UTF-8.
std::optional<std::size_t> utf16_length(std::string_view utf8);

bool is_e164(std::string_view number);  // + and 7 to 15 digits, the first not 0
bool is_sid(std::string_view text, std::string_view prefix);

// http or https, with a host that has no underscore in it (Twilio error 21609).
bool is_callback_url(std::string_view url);
bool is_loopback_url(std::string_view url);

}  // namespace fake_twilio
