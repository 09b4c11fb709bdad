#include "core/twilio/sender_address.hpp"

#include <algorithm>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"
#include "core/base/utf8.hpp"
#include "core/text/blanks.hpp"
#include "core/text/phone_number.hpp"
#include "core/twilio/twilio_sid.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kLongestName = 11;

bool may_stand_in_name(char c) {
  return is_alphanumeric(c) || std::string_view(" +-_&").find(c) != std::string_view::npos;
}

[[noreturn]] void refuse(std::string_view sender, std::string why) {
  throw Error(ErrorKind::kInvalidPhone, "invalid sender " + excerpt(sender), std::move(why),
              "Write a number in international form, such as +61412345678, a short code of 3 to 6 "
              "digits, or a name of 1 to 11 letters, digits, blanks and + - _ & with at least one "
              "letter.");
}

std::string check_name(std::string_view name) {
  if (is_sid(name, kServiceSid))
    refuse(name, "The SID of a Messaging Service belongs in twilio_messaging_service_sid.");
  if (!std::all_of(name.begin(), name.end(), may_stand_in_name))
    refuse(name,
           "A name has no other characters than letters from A to Z, digits, blanks and + - _ &.");
  if (name.size() > kLongestName) refuse(name, "A name has at most 11 characters.");
  return std::string(name);
}

std::string read_number(std::string_view number, std::string_view region) {
  if (region.empty() && !number.starts_with('+'))
    refuse(number, "No org has it, so no region says how to read a local number.");
  try {
    return normalize_phone(number, region.empty() ? "AU" : region);  // a "+" makes it irrelevant
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInvalidPhone) throw;
    refuse(number, error.detail());
  }
}

}  // namespace

bool is_short_code(std::string_view sender) noexcept {
  return sender.size() >= 3 && sender.size() <= 6 &&
         std::all_of(sender.begin(), sender.end(), is_digit);
}

std::string normalize_sender(std::string_view sender, std::string_view region) {
  const std::string_view trimmed = trim_blanks(sender);
  if (trimmed.empty()) return {};
  if (is_short_code(trimmed)) return std::string(trimmed);
  const bool has_letter = std::any_of(trimmed.begin(), trimmed.end(), is_letter);
  if (has_letter && without_tel(trimmed) == trimmed) return check_name(trimmed);
  return read_number(trimmed, region);
}

std::string sender_address(std::string_view sender, std::string_view region) {
  try {
    return normalize_sender(sender, region);
  } catch (const Error&) {
    return std::string(trim_blanks(sender));
  }
}

}  // namespace coach_sms
