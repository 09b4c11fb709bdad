#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// SQLSTATE class SM: the errors that a user can cause and correct. `make reference` writes these
// comments into doc/reference.md.

// SM001: the org has no row in sms_settings, or no org was given. Insert its settings.
inline constexpr int kUnknownOrg = MAKE_SQLSTATE('S', 'M', '0', '0', '1');
// SM002: the org is disabled. Set sms_settings.enabled.
inline constexpr int kOrgDisabled = MAKE_SQLSTATE('S', 'M', '0', '0', '2');
// SM003: no active template has this key, or a placeholder is broken. Insert or activate it, or
// close the {{.
inline constexpr int kBadTemplate = MAKE_SQLSTATE('S', 'M', '0', '0', '3');
// SM004: a variable that the template names is missing. Give it; null counts as missing.
inline constexpr int kMissingVariable = MAKE_SQLSTATE('S', 'M', '0', '0', '4');
// SM005: variables or metadata are no object, or a value is nested. Give plain values in one
// object.
inline constexpr int kBadVariables = MAKE_SQLSTATE('S', 'M', '0', '0', '5');
// SM006: this is no number that can be dialled, or no sender. Give the international form, or set
// default_region.
inline constexpr int kBadPhone = MAKE_SQLSTATE('S', 'M', '0', '0', '6');
// SM007: the number is suppressed, or the person said STOP to the sender. Only a new consent lifts
// that.
inline constexpr int kSuppressed = MAKE_SQLSTATE('S', 'M', '0', '0', '7');
// SM008: the server is live, and the org has no sender or no account. Set both.
inline constexpr int kNoSender = MAKE_SQLSTATE('S', 'M', '0', '0', '8');
// SM009: both or neither of template and body were given, or the text is blank, too long, or not
// UTF-8.
inline constexpr int kBadBody = MAKE_SQLSTATE('S', 'M', '0', '0', '9');
// SM010: a time is too far off, or expires_at is not after scheduled_for and now.
inline constexpr int kBadTime = MAKE_SQLSTATE('S', 'M', '0', '1', '0');
// SM011: the idempotency key stands for another message. Give each message a key of its own.
inline constexpr int kKeyReused = MAKE_SQLSTATE('S', 'M', '0', '1', '1');
// SM012: the message is unknown or its status does not allow this, or a status was written by hand.
inline constexpr int kWrongState = MAKE_SQLSTATE('S', 'M', '0', '1', '2');
// SM013: the key file or token file is missing, unreadable or not private. The hint names the rule.
inline constexpr int kKeyFile = MAKE_SQLSTATE('S', 'M', '0', '1', '3');
// SM014: a sealed token does not open (log and sms_doctor() only). Restore the key file, or write
// the token again.
inline constexpr int kNotSealed = MAKE_SQLSTATE('S', 'M', '0', '1', '4');
// SM015: another argument is wrong. The detail says how.
inline constexpr int kBadArgument = MAKE_SQLSTATE('S', 'M', '0', '1', '5');
// SM016: the role coach_sms_owner is not as it must be, or the schema is coach_sms_internal. Alter
// or rename the role; name another schema.
inline constexpr int kNotReady = MAKE_SQLSTATE('S', 'M', '0', '1', '6');
// SM017: the text has more segments than the org's max_segments. Shorten it.
inline constexpr int kTooManySegments = MAKE_SQLSTATE('S', 'M', '0', '1', '7');
// SM018: the client's max_sms_per_client_per_day is reached. Send on another day, or raise the
// limit.
inline constexpr int kClientLimit = MAKE_SQLSTATE('S', 'M', '0', '1', '8');
// SM019: the number's country is not in coach_sms.allowed_countries. Add it.
inline constexpr int kCountryNotAllowed = MAKE_SQLSTATE('S', 'M', '0', '1', '9');
// SM020: this is not the name of a time zone. Give an IANA name.
inline constexpr int kBadZone = MAKE_SQLSTATE('S', 'M', '0', '2', '0');
// SM021: the attached tables are not as they must be, are gone, or cannot be read. The hint names
// the cure.
inline constexpr int kBadBookings = MAKE_SQLSTATE('S', 'M', '0', '2', '1');
// SM022: coach_sms.tenancy_function does not exist, or does not return a fitting type. The hint
// shows the forms.
inline constexpr int kBadTenancy = MAKE_SQLSTATE('S', 'M', '0', '2', '2');

}  // namespace coach_sms
