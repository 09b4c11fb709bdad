#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coach_sms {

// An address as Twilio writes From and To: "+61412000123" for SMS, "whatsapp:+61412000123" and
// "rcs:+61412000123" for other channels. One that carries no number may stand there as well: a
// short code ("12345"), a word ("VODAFONE"), an agent ("rcs:brand_agent"), nothing at all.
struct ChannelAddress {
  std::string_view channel;  // in front of the first colon; empty for SMS
  std::string_view address;  // behind it
};

// Splits the text. Letters alone name a channel: a colon behind anything else is the address's own.
ChannelAddress read_channel_address(std::string_view text) noexcept;

// Returns the number that the address carries, in E.164 form; empty where it carries none. A number
// that libphonenumber finds impossible is kept as it is: somebody wrote from it.
std::string number_of(std::string_view address);

// Returns the name under which a sender of ours is listed: the number that its address carries, or
// else the text as it is; empty for what is longer than any address.
std::string sender_of(std::string_view address);

}  // namespace coach_sms
