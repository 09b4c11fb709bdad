#include <algorithm>

#include "core/twilio/twilio_sid.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/sender/org_route.hpp"

#include "pg/facts/own_tokens.hpp"
#include "pg/facts/sending_address.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/tables/definitions.hpp"

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

// Loads the token: the org's own where there is one, or else the server's.
void load_token(OrgRoute* route, const char* sealed) {
  Failure failure;
  route->token =
      sealed != nullptr ? open_token(route->org_id, sealed, &failure) : server_token(&failure);
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

// What find_route() reads beside the route itself.
struct Settings {
  bool known;
  bool enabled;
  char* sealed_token;  // the org's own; nullptr: the server's counts
  TimestampTz paused_until;
};

void read_settings(const Row& row, OrgRoute* route, Settings* read) {
  namespace column = org_settings;
  read->known = true;
  read->enabled = row.flag(column::kEnabled);
  read->sealed_token = own_tokens_of(row).sealed;
  read->paused_until = row.time(column::kPausedUntil, DT_NOBEGIN);
  route->version = row.version();
  route->client_limit =
      row.is_null(column::kMaxSmsPerClientPerDay) ? -1 : row.number(column::kMaxSmsPerClientPerDay);
  const SendingAddress address = address_of_org(row);
  route->account_sid = address.account_sid;
  route->messaging_service_sid = address.messaging_service_sid;
  route->from = address.from;
}

void hold_if_off(const Settings& read, OrgRoute* route) {
  const TimestampTz now = GetCurrentTimestamp();
  const TimestampTz soon = now + kLookAgainIn;
  if (!read.enabled)
    hold(route, soon, "the org is disabled (sms_settings.enabled)", false);
  else if (read.paused_until > now)
    hold(route, std::min(read.paused_until, soon), "sending is paused", false, read.paused_until);
}

}  // namespace

OrgRoute* find_route(const pg_uuid_t& org_id, bool needs_token) {
  auto* route = static_cast<OrgRoute*>(palloc0(sizeof(OrgRoute)));
  route->org_id = org_id;
  route->account_sid = route->token = route->messaging_service_sid = route->from = route->version =
      pstrdup("");
  Settings read{};
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(route->org_id)}},
            [&](const Row& row) { read_settings(row, route, &read); });
  if (!read.known) {
    hold(route, GetCurrentTimestamp() + kLookAgainIn, "the org has no row in sms_settings", true);
    return route;
  }
  read_rows(&server::table, {{server::kSingleton, Parameter(true)}}, [&](const Row& row) {
    read.paused_until = std::max(read.paused_until, row.time(server::kPausedUntil, DT_NOBEGIN));
  });
  if (needs_token) {
    load_token(route, read.sealed_token);
    check_route(route);
  }
  hold_if_off(read, route);
  return route;
}

void wipe_route(OrgRoute* route) {
  if (route->token != nullptr) explicit_bzero(route->token, strlen(route->token));
}

}  // namespace coach_sms
