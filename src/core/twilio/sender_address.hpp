#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns whether `sender` is a short code: 3 to 6 digits, which are the same in every region.
bool is_short_code(std::string_view sender) noexcept;

// Returns the sender in the one form that Twilio's From takes, without blanks around it:
//   a short code    as it is
//   a name          as it is: 1 to 11 of the letters A to Z and a to z, digits, blanks, + - _ &, at
//                   least one of them a letter (Twilio's page "Alphanumeric Sender ID")
//   a number        in E.164 form, read in `region`; without a region it must begin with +
// Returns an empty text for an empty or blank one. Throws kInvalidPhone for any other text.
std::string normalize_sender(std::string_view sender, std::string_view region);

// Returns the text by which senders are compared: the sender's one form, else its text without
// blanks around it. A Messaging Service has no such form, nor has an address of another channel.
std::string sender_address(std::string_view sender, std::string_view region);

}  // namespace coach_sms
