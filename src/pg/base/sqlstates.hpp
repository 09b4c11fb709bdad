#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// SQLSTATE class SM: the errors that a user can cause and correct. Listed in the README.
inline constexpr int kUnknownOrg = MAKE_SQLSTATE('S', 'M', '0', '0', '1');
inline constexpr int kOrgDisabled = MAKE_SQLSTATE('S', 'M', '0', '0', '2');
inline constexpr int kBadTemplate = MAKE_SQLSTATE('S', 'M', '0', '0', '3');
inline constexpr int kMissingVariable = MAKE_SQLSTATE('S', 'M', '0', '0', '4');
inline constexpr int kBadVariables = MAKE_SQLSTATE('S', 'M', '0', '0', '5');
inline constexpr int kBadPhone = MAKE_SQLSTATE('S', 'M', '0', '0', '6');
inline constexpr int kSuppressed = MAKE_SQLSTATE('S', 'M', '0', '0', '7');
inline constexpr int kNoSender = MAKE_SQLSTATE('S', 'M', '0', '0', '8');
inline constexpr int kBadBody = MAKE_SQLSTATE('S', 'M', '0', '0', '9');
inline constexpr int kBadTime = MAKE_SQLSTATE('S', 'M', '0', '1', '0');
inline constexpr int kKeyReused = MAKE_SQLSTATE('S', 'M', '0', '1', '1');
inline constexpr int kWrongState = MAKE_SQLSTATE('S', 'M', '0', '1', '2');
inline constexpr int kKeyFile = MAKE_SQLSTATE('S', 'M', '0', '1', '3');
inline constexpr int kNotSealed = MAKE_SQLSTATE('S', 'M', '0', '1', '4');
inline constexpr int kBadArgument = MAKE_SQLSTATE('S', 'M', '0', '1', '5');
inline constexpr int kNotReady = MAKE_SQLSTATE('S', 'M', '0', '1', '6');
inline constexpr int kTooManySegments = MAKE_SQLSTATE('S', 'M', '0', '1', '7');
inline constexpr int kClientLimit = MAKE_SQLSTATE('S', 'M', '0', '1', '8');
inline constexpr int kCountryNotAllowed = MAKE_SQLSTATE('S', 'M', '0', '1', '9');
inline constexpr int kBadZone = MAKE_SQLSTATE('S', 'M', '0', '2', '0');
inline constexpr int kBadBookings = MAKE_SQLSTATE('S', 'M', '0', '2', '1');
inline constexpr int kBadTenancy = MAKE_SQLSTATE('S', 'M', '0', '2', '2');

}  // namespace coach_sms
