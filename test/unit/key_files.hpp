#pragma once

#include <string_view>

namespace coach_sms {

// The contents of two key files.
inline constexpr std::string_view kKeyFile =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
inline constexpr std::string_view kOtherKeyFile =
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n";

}  // namespace coach_sms
