#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Whether `sender` is a short code: 3 to 6 digits, which are the same in every region.
bool is_short_code(std::string_view sender) noexcept;

// The sender in the one form in which Twilio's From takes it, without blanks around it:
//   a short code    as it is
//   a name          as it is: 1 to 11 of the letters A to Z and a to z, digits, blanks, + - _ &, at
//                   least one of them a letter (Twilio's page "Alphanumeric Sender ID")
//   a number        in E.164 form, read in `region`; without a region it must begin with +
// Empty for an empty or blank text. Raises kInvalidPhone for what can be none of these.
std::string normalize_sender(std::string_view sender, std::string_view region);

// Returns what a sender is called wherever senders are compared: its one form, or the text without
// blanks around it where it has none (a Messaging Service, an address of another channel).
std::string sender_address(std::string_view sender, std::string_view region);

}  // namespace coach_sms
