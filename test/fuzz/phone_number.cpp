#include "core/text/phone_number.hpp"
#include "fuzz.hpp"

// A number as somebody typed it; the first byte chooses the region.
FUZZ_TARGET(phone_number) {
  return coach_sms::fuzz_one(data, size, [](std::string_view text) {
    using namespace coach_sms;
    constexpr const char* kRegions[] = {"AU", "US", "IT", "GB", "NZ", "XX"};
    if (text.empty()) return;
    const char* region = kRegions[static_cast<unsigned char>(text[0]) % 6];
    const std::string number = normalize_phone(text.substr(1), region);
    require(number.size() > 4 && number.size() <= 16 && number[0] == '+');
    require(number.find_first_not_of("+0123456789") == std::string::npos);
    require(normalize_phone(number, "US") == number);  // one person, one number
  });
}
