#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// An address as Twilio writes From and To: "+61412000123" for SMS, "whatsapp:+61412000123" and
// "rcs:+61412000123" for other channels. An address may carry no number: a short code ("12345"), a
// name ("VODAFONE"), an agent ("rcs:brand_agent"), or nothing at all.
struct ChannelAddress {
  std::string_view channel;  // in front of the first colon; empty for SMS
  std::string_view address;  // behind it
};

// Splits the text at its first colon, into views of it. Only letters name a channel; a colon behind
// anything else belongs to the address.
ChannelAddress read_channel_address(std::string_view text) noexcept;

// Returns the number that the address carries, in E.164 form; empty where it carries none. A number
// that libphonenumber finds impossible stays as it is, because a message came from it.
std::string number_of(std::string_view address);

// Returns the name under which we list one of our senders: the number that its address carries,
// else the text as it is. Empty for a text above 100 bytes, which is longer than any address.
std::string sender_of(std::string_view address);

}  // namespace coach_sms
