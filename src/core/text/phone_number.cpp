#include "core/text/phone_number.hpp"

#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"
#include "core/base/utf8.hpp"
#include "core/text/phone_forms.hpp"

namespace coach_sms {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// No number needs more bytes, however it is written. libphonenumber has the same limit.
constexpr std::size_t kMaxBytes = 250;

// The "+" and 15 digits.
constexpr std::size_t kMaxE164Size = 16;

// Returns libphonenumber. It logs nothing: its instance installs a logger that drops every message.
const PhoneNumberUtil& library() {
  return *PhoneNumberUtil::GetInstance();
}

[[noreturn]] void refuse(std::string_view phone, std::string why) {
  throw Error(ErrorKind::kInvalidPhone, "invalid phone number " + excerpt(phone), std::move(why),
              "Write it in international form, such as +61412345678.");
}

bool repeats_one_digit(std::string_view digits) {
  return digits.find_first_not_of(digits.front()) == std::string_view::npos;
}

bool has_e164_form(std::string_view text) {
  return text.size() >= 9 && text.size() <= kMaxE164Size && text[0] == '+' && text[1] != '0' &&
         std::all_of(text.begin() + 1, text.end(), is_digit);
}

// Whether each number up to 999 is a calling code. No calling code is the beginning of another, so
// the first match is the only one.
using CallingCodes = std::array<bool, 1000>;

CallingCodes make_calling_codes() {
  std::set<int> known;
  library().GetSupportedCallingCodes(&known);
  CallingCodes codes{};
  for (const int code : known)
    codes.at(static_cast<std::size_t>(code)) = true;
  return codes;
}

// Returns the number of digits in the calling code behind the "+"; 0 if there is none.
std::size_t calling_code_length(std::string_view e164) {
  static const CallingCodes codes = make_calling_codes();
  std::size_t code = 0;
  for (std::size_t length = 1; length <= 3; ++length) {
    code = code * 10 + static_cast<std::size_t>(e164[length] - '0');
    if (codes[code]) return length;
  }
  return 0;
}

std::uint64_t to_integer(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits)
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

// Returns whether the number is possible as it stands, in a fraction of the parser's time. Two
// cases give false, and the parser judges them: a zero behind the calling code, and one repeated
// digit. The zero may be a trunk prefix (Australia) or the number's first digit (Italy).
bool is_plainly_possible(std::string_view text) {
  if (!has_e164_form(text)) return false;
  const std::size_t length = calling_code_length(text);
  if (length == 0) return false;
  const std::string_view national = text.substr(1 + length);
  if (national.front() == '0' || repeats_one_digit(national)) return false;
  PhoneNumber number;
  number.set_country_code(static_cast<int>(to_integer(text.substr(1, length))));
  number.set_national_number(to_integer(national));
  return library().IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE;
}

const char* why_impossible(PhoneNumberUtil::ValidationResult result) {
  switch (result) {
    case PhoneNumberUtil::IS_POSSIBLE:
      return nullptr;
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
      return "It lacks its area code.";
    case PhoneNumberUtil::INVALID_COUNTRY_CODE:
      return "No country has this calling code.";
    case PhoneNumberUtil::TOO_SHORT:
      return "It is too short for its country.";
    case PhoneNumberUtil::TOO_LONG:
      return "It is too long for its country.";
    case PhoneNumberUtil::INVALID_LENGTH:
      break;
  }
  return "No number of its country has this length.";
}

// Returns whether national numbers of this calling code may begin with a zero (Italy), judged by
// libphonenumber's example of each kind of number.
bool has_leading_zeros(int calling_code) {
  std::list<std::string> regions;
  library().GetRegionCodesForCountryCallingCode(calling_code, &regions);
  for (const std::string& region : regions)
    for (int type = PhoneNumberUtil::FIXED_LINE; type <= PhoneNumberUtil::VOICEMAIL; ++type) {
      PhoneNumber example;
      if (library().GetExampleNumberForType(
              region, static_cast<PhoneNumberUtil::PhoneNumberType>(type), &example) &&
          example.italian_leading_zero())
        return true;
    }
  return false;
}

// Returns why a possible number is a dummy that somebody typed to fill a field, or nullptr. A
// number that libphonenumber calls valid is no dummy, such as 99999999 in Norway.
const char* why_dummy(const PhoneNumber& number) {
  std::string national;
  library().GetNationalSignificantNumber(number, &national);
  if (national.find_first_not_of('0') == std::string::npos) return "It holds zeros only.";
  const bool repeats = repeats_one_digit(national);
  if ((!repeats && national.front() != '0') || library().IsValidNumber(number)) return nullptr;
  if (repeats) return "It repeats one digit, and its country has no such number.";
  if (has_leading_zeros(number.country_code())) return nullptr;
  return "It has a zero too many: its country's numbers do not begin with one.";
}

const char* why_unparsed(PhoneNumberUtil::ErrorType error) {
  switch (error) {
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
      return "No country has this calling code.";
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN:
      return "It is too short.";
    case PhoneNumberUtil::TOO_LONG_NSN:
      return "It is too long.";
    case PhoneNumberUtil::NO_PARSING_ERROR:
    case PhoneNumberUtil::NOT_A_NUMBER:
      break;
  }
  return "It is not a phone number.";
}

// The zero of each script whose digits people type into phone fields.
constexpr char32_t kZeros[] = {U'0', 0x0660 /* Arabic */, 0x06F0 /* Persian */,
                               0x0966 /* Devanagari */, 0xFF10 /* full-width */};

// Returns whether the character may stand between digits. It is a blank, a dash, a bracket, a dot
// or a slash, plain or full-width, or an invisible mark around numbers in contact lists. Letters
// may not, nor may the signs that begin an extension or a pause (x # ; , ~): an SMS has neither.
bool is_separator(char32_t c) {
  constexpr std::u32string_view kSeparators =
      U" \t\r\n-()[]./"
      U"\u00A0\u00AD\u2060\u2212\u3000\u30FC\uFEFF\uFF08\uFF09\uFF0D\uFF0E\uFF0F\uFF3B"
      U"\uFF3D";
  return kSeparators.find(c) != std::u32string_view::npos || (c >= 0x2000 && c <= 0x2015) ||
         (c >= 0x202A && c <= 0x202F) || (c >= 0x2066 && c <= 0x2069);
}

// Returns '0' to '9' for a digit of any script above, '+' for both plus signs, '.' for both dots, '
// ' for any other separator, NUL for any other character.
char plain_character(char32_t c) {
  if (c == U'+' || c == 0xFF0B) return '+';
  if (c == U'.' || c == 0xFF0E) return '.';
  if (is_separator(c)) return ' ';
  for (const char32_t zero : kZeros)
    if (c >= zero && c <= zero + 9) return static_cast<char>('0' + (c - zero));
  return '\0';
}

// Returns the text in plain characters, without the blanks around it. Throws kInvalidPhone for a
// text above kMaxBytes, for any other character, and for a "+" behind a digit.
std::string plain_characters(std::string_view phone) {
  if (phone.size() > kMaxBytes) refuse(phone, "It is too long.");
  std::string plain;
  const std::string_view text = without_tel(phone);
  for (std::size_t at = 0; at < text.size();) {
    const char c = plain_character(next_code_point(text, at));
    const bool is_late_plus = c == '+' && plain.find_first_not_of(" .") != std::string::npos;
    if (c == '\0' || is_late_plus)
      refuse(phone, "It holds something other than one number: a letter, a sign, an extension.");
    if (c != ' ' || !plain.empty()) plain += c;
  }
  plain.resize(plain.find_last_not_of(' ') + 1);
  return plain;
}

// Returns the text without a spreadsheet's decimals: spreadsheets write 211234567 as 211234567.0.
// One or two zeros behind the only dot of a text of digits are no part of the number. Every other
// dot is a separator.
std::string_view without_decimals(std::string_view plain) {
  const std::size_t dot = plain.find_first_not_of("0123456789", plain.starts_with('+') ? 1 : 0);
  if (dot == std::string_view::npos || plain[dot] != '.') return plain;
  const std::string_view decimals = plain.substr(dot + 1);
  return decimals == "0" || decimals == "00" ? plain.substr(0, dot) : plain;
}

// Returns the digits, with a "+" in front if the text has one. Throws kInvalidPhone as
// plain_characters() does, and for a text with neither.
std::string dialled_characters(std::string_view phone) {
  const std::string plain = plain_characters(phone);
  std::string dialled(without_decimals(plain));
  std::erase_if(dialled, [](char c) { return c == ' ' || c == '.'; });
  if (dialled.empty()) refuse(phone, "It has no digits.");
  return dialled;
}

// The result of reading a number as dialled in a region. One of the two is empty.
struct Reading {
  std::string e164;
  std::string why_not;
};

// Reads a number as dialled in the region. Without its calling code it must be as long as the
// region's fixed or mobile numbers, because other lengths are short codes and service numbers.
Reading read_as_dialled(const std::string& dialled, const std::string& region) {
  PhoneNumber number;
  const auto error = library().Parse(dialled, region, &number);
  if (error != PhoneNumberUtil::NO_PARSING_ERROR) return {{}, why_unparsed(error)};
  const bool international = dialled.front() == '+';
  const auto result = international ? library().IsPossibleNumberWithReason(number)
                                    : library().IsPossibleNumberForTypeWithReason(
                                          number, PhoneNumberUtil::FIXED_LINE_OR_MOBILE);
  if (const char* why = why_impossible(result)) return {{}, why};
  if (const char* why = why_dummy(number)) return {{}, why};
  Reading reading;
  library().Format(number, PhoneNumberUtil::E164, &reading.e164);
  if (reading.e164.size() > kMaxE164Size) return {{}, "It has more than 15 digits."};
  return reading;
}

}  // namespace

std::string_view without_tel(std::string_view phone) noexcept {
  for (const std::string_view prefix : {"tel:", "Tel:", "TEL:"})
    if (phone.starts_with(prefix)) return phone.substr(prefix.size());
  return phone;
}

std::string country_of(std::string_view e164) {
  PhoneNumber number;
  std::string region;
  if (library().Parse(std::string(e164), "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR)
    return {};
  library().GetRegionCodeForNumber(number, &region);
  if (region.size() == 2 && region != "ZZ") return region;
  // The numbering plans do not know the number, but its calling code still names a country.
  library().GetRegionCodeForCountryCode(number.country_code(), &region);
  return region == "ZZ" || region.size() != 2 ? std::string() : region;
}

bool is_known_region(std::string_view region) {
  return region.size() == 2 && library().GetCountryCodeForRegion(std::string(region)) != 0;
}

std::string normalize_phone(std::string_view phone, std::string_view region) {
  if (!is_known_region(region))
    throw Error(ErrorKind::kInvalidArgument, "unknown region " + excerpt(region),
                "No country's numbering plan is known by this name.",
                "Give the two capital letters of a country, such as AU.");

  std::string dialled = has_e164_form(phone) ? std::string(phone) : dialled_characters(phone);
  // libphonenumber may know only one form of a number, but people and Twilio use both.
  const std::vector<std::string> forms = phone_forms(dialled);
  if (std::any_of(forms.begin(), forms.end(), is_plainly_possible)) return dialled;

  Reading reading = read_as_dialled(dialled, std::string(region));
  if (reading.e164.empty() && dialled.starts_with("00"))
    reading.e164 = read_as_dialled("+" + dialled.substr(2), std::string(region)).e164;
  if (reading.e164.empty()) refuse(phone, reading.why_not);
  // libphonenumber drops one trunk prefix behind the calling code, and reading its result again may
  // drop another. The result is read until it stays the same: else one person has several numbers.
  return reading.e164 == dialled ? reading.e164 : normalize_phone(reading.e164, region);
}

}  // namespace coach_sms
