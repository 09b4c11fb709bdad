#pragma once

#include <cstdlib>
#include <random>
#include <string>

namespace coach_sms::test {

// Another one each run, or COACH_SMS_SEED: what a failure names brings it back.
inline unsigned random_seed() {
  static const unsigned seed = [] {
    const char* given = std::getenv("COACH_SMS_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                            : std::random_device{}();
  }();
  return seed;
}

inline std::string seed_text() {
  return "COACH_SMS_SEED=" + std::to_string(random_seed());
}

}  // namespace coach_sms::test
