#include "core/twilio/channel_address.hpp"

#include <algorithm>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"
#include "core/text/phone_number.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kMaxAddressBytes = 100;  // it becomes a part of an index key

// Returns whether the text is "+" and 7 to 15 digits, the first of them no zero (ITU-T E.164).
bool has_e164_form(std::string_view text) {
  return text.size() >= 8 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

ChannelAddress read_channel_address(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return {{}, text};
  const std::string_view channel = text.substr(0, colon);
  if (!std::all_of(channel.begin(), channel.end(), is_letter)) return {{}, text};
  return {channel, text.substr(colon + 1)};
}

std::string number_of(std::string_view address) {
  constexpr std::string_view kAnyRegion = "AU";  // a number with its calling code needs none
  const std::string_view number = read_channel_address(address).address;
  if (!has_e164_form(number)) return {};
  try {
    return normalize_phone(number, kAnyRegion);
  } catch (const Error&) {
    return std::string(number);
  }
}

std::string sender_of(std::string_view address) {
  std::string number = number_of(address);
  if (!number.empty()) return number;
  return address.size() <= kMaxAddressBytes ? std::string(address) : std::string();
}

}  // namespace coach_sms
