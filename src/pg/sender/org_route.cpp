#include "core/twilio/twilio_sid.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/sender/org_route.hpp"

#include "pg/base/statement.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

// How long a token that cannot be read holds the org: a person must correct the key file or the
// token.
constexpr int64 kTroubleHold = INT64CONST(30) * USECS_PER_SEC;

char* or_empty(char* value) {
  return value != nullptr ? value : pstrdup("");
}

void hold(OrgRoute* route, TimestampTz again_at, const char* why, bool is_trouble,
          TimestampTz shown_until = DT_NOEND) {
  route->held_until = again_at;
  route->why_held = why;
  route->lacks_only_sender = false;
  route->is_trouble = is_trouble;
  route->shown_until = shown_until;
}

// Loads the token: the org's own where it has an account and a token, or else the server's.
void load_token(OrgRoute* route, const char* sealed) {
  Failure failure;
  if (sealed != nullptr && route->account_sid[0] != '\0') {
    route->token = open_token(route->org_id, sealed, &failure);
  } else {
    if (route->account_sid[0] == '\0') route->account_sid = pstrdup(settings::twilio_account_sid());
    route->token = server_token(&failure);
  }
  if (route->token == nullptr || route->token[0] == '\0') {
    route->token = or_empty(route->token);
    hold(route, GetCurrentTimestamp() + kTroubleHold, "no usable Twilio auth token", true);
    if (failure.failed)
      ereport(LOG, (errmsg("no Twilio token for an org: %s", failure.message),
                    failure.hint[0] != '\0' ? errhint("%s", failure.hint) : 0));
  }
}

const char* why_unusable(const OrgRoute& route) {
  const bool has_service = route.messaging_service_sid[0] != '\0';
  if (route.account_sid[0] == '\0') return "no Twilio account is configured";
  if (!is_sid(route.account_sid, kAccountSid)) return "the Twilio account SID is malformed";
  if (has_service && !is_sid(route.messaging_service_sid, kServiceSid))
    return "the Messaging Service SID is malformed";
  return has_service || route.from[0] != '\0' ? nullptr : "no sender is configured";
}

// Holds the route if it cannot be used. The messages then wait for a correction, and none fails.
void check_route(OrgRoute* route) {
  const char* why = why_unusable(*route);
  if (why == nullptr) return;
  const bool had_no_hold = route->why_held == nullptr;
  hold(route, GetCurrentTimestamp() + kLookAgainIn, why, true);
  route->lacks_only_sender = had_no_hold && is_sid(route->account_sid, kAccountSid) &&
                             route->messaging_service_sid[0] == '\0';
}

}  // namespace

OrgRoute* find_route(const pg_uuid_t& org_id, bool needs_token) {
  static Statement read{
      R"sql(
      SELECT coalesce(s.twilio_account_sid, ''), s.twilio_auth_token_encrypted,
             coalesce(s.twilio_messaging_service_sid, ''),
             coalesce(@internal@.sms_sender_address(s.twilio_phone_number, s.default_region), ''),
             s.enabled, greatest(s.paused_until, (SELECT paused_until
                 FROM @internal@.sms_server)), s.xmin::text || s.ctid::text
        FROM @extschema@.sms_settings s WHERE s.org_id = $1)sql",
      {UUIDOID}};
  auto* route = static_cast<OrgRoute*>(palloc0(sizeof(OrgRoute)));
  route->org_id = org_id;
  route->account_sid = route->token = route->messaging_service_sid = route->from = route->version =
      pstrdup("");
  const TimestampTz now = GetCurrentTimestamp();
  if (read.run(route->org_id) == 0) {
    hold(route, now + kLookAgainIn, "the org has no row in sms_settings", true);
    return route;
  }
  route->account_sid = or_empty(text_column(0, 1));
  char* sealed = text_column(0, 2);
  route->messaging_service_sid = or_empty(text_column(0, 3));
  route->from = or_empty(text_column(0, 4));
  const bool enabled = bool_column(0, 5);
  const TimestampTz paused_until = time_column(0, 6, 0);
  route->version = text_column(0, 7);
  if (route->messaging_service_sid[0] == '\0' && route->from[0] == '\0') {
    route->messaging_service_sid = pstrdup(settings::twilio_messaging_service_sid);
    route->from = pstrdup(settings::twilio_phone_number);
  }
  if (needs_token) {
    load_token(route, sealed);
    check_route(route);
  }
  if (!enabled)
    hold(route, now + kLookAgainIn, "the org is disabled (sms_settings.enabled)", false);
  else if (paused_until > now)
    hold(route, paused_until < now + kLookAgainIn ? paused_until : now + kLookAgainIn,
         "sending is paused", false, paused_until);
  return route;
}

void wipe_route(OrgRoute* route) {
  if (route->token != nullptr) explicit_bzero(route->token, strlen(route->token));
}

}  // namespace coach_sms
