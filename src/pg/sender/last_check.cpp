#include "core/twilio/twilio_sid.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/sender/last_check.hpp"
#include "pg/settings.hpp"

namespace coach_sms {

namespace {

// A wrong key file or a token that does not open is mended by a person.
constexpr int64 kTroubleHold = INT64CONST(30) * USECS_PER_SEC;
// How often a held org is looked at again, should nobody tell.
constexpr int64 kLongestHold = INT64CONST(60) * USECS_PER_SEC;

char* or_empty(char* value) {
  return value != nullptr ? value : pstrdup("");
}

void hold(OrgRoute* route, TimestampTz look_again, const char* why, bool is_trouble,
          TimestampTz told_until = DT_NOEND) {
  route->held_until = look_again;
  route->why_held = why;
  route->lacks_only_sender = false;
  route->is_trouble = is_trouble;
  route->told_until = told_until;
}

// The org's own account with its own token, or else the server's.
void find_token(OrgRoute* route, const char* sealed) {
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
  if (!is_sid(route.account_sid, kAccountSid)) return "the Twilio account SID cannot be one";
  if (has_service && !is_sid(route.messaging_service_sid, kServiceSid))
    return "the Messaging Service SID cannot be one";
  return has_service || route.from[0] != '\0' ? nullptr : "no sender is configured";
}

// What a person can put right ends no message: it waits for that.
void check_route(OrgRoute* route) {
  const char* why = why_unusable(*route);
  if (why == nullptr) return;
  const bool had_no_hold = route->why_held == nullptr;
  hold(route, GetCurrentTimestamp() + kLongestHold, why, true);
  route->lacks_only_sender = had_no_hold && is_sid(route->account_sid, kAccountSid) &&
                             route->messaging_service_sid[0] == '\0';
}

OrgRoute* read_route(const pg_uuid_t& org_id, bool needs_token) {
  static Statement read{
      "SELECT coalesce(s.twilio_account_sid, ''), s.twilio_auth_token_encrypted,"
      "       coalesce(s.twilio_messaging_service_sid, ''),"
      "       coalesce(@internal@.sms_sender_address(s.twilio_phone_number, "
      "s.default_region), "
      "''),"
      "       s.enabled, greatest(s.paused_until, (SELECT paused_until FROM "
      "@internal@.sms_server)), s.xmin::text || s.ctid::text"
      "  FROM @extschema@.sms_settings s WHERE s.org_id = $1",
      {UUIDOID}};
  auto* route = static_cast<OrgRoute*>(palloc0(sizeof(OrgRoute)));
  route->org_id = org_id;
  route->account_sid = route->token = route->messaging_service_sid = route->from = route->version =
      pstrdup("");
  const TimestampTz now = GetCurrentTimestamp();
  if (read.run({UUIDPGetDatum(&route->org_id)}) == 0) {
    hold(route, now + kLongestHold, "the org has no row in sms_settings", true);
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
    find_token(route, sealed);
    check_route(route);
  }
  if (!enabled)
    hold(route, now + kLongestHold, "the org is disabled (sms_settings.enabled)", false);
  else if (paused_until > now)
    hold(route, paused_until < now + kLongestHold ? paused_until : now + kLongestHold,
         "sending is paused", false, paused_until);
  return route;
}

OrgRoute* route_of(const Claimed& one, Checked* checked, int count, const Claimed* claimed,
                   bool sandbox_mode) {
  for (int i = count - 1; i >= 0; --i)
    if (memcmp(&claimed[i].org_id, &one.org_id, UUID_LEN) == 0) return checked[i].route;
  return read_route(one.org_id, !sandbox_mode);
}

void judge(const Claimed& one, bool ours, bool suppressed, bool sandbox_mode, Checked* checked) {
  const TimestampTz now = GetCurrentTimestamp();
  const OrgRoute& route = *checked->route;
  checked->verdict = Verdict::kSend;
  if (!ours) {
    checked->verdict = Verdict::kPutBack;  // which ends the claim and leaves the message as it is
    checked->when = one.due_at;
    return;
  }
  if (suppressed) {
    checked->verdict = Verdict::kWithdraw;
    checked->reason = "opted_out";
  } else if (one.expires_at <= now) {
    checked->verdict = Verdict::kWithdraw;
    checked->reason = "expired";
  } else if (one.sandbox && !sandbox_mode) {
    checked->verdict = Verdict::kWithdraw;
    checked->reason = "sandbox";
  } else if (one.sandbox != sandbox_mode) {
    checked->verdict = Verdict::kPutBack;
    checked->when = now + kLongestHold;
  } else if (route.why_held != nullptr && !(route.lacks_only_sender && one.from_phone[0] != '\0')) {
    checked->verdict = Verdict::kPutBack;
    checked->when = one.due_at;
  } else if (!sandbox_mode && strcmp(route.account_sid, one.account_sid) != 0) {
    checked->verdict = Verdict::kPutBack;
    checked->when = now;
  }
}

// Claims that the message has outlived: a callback of an earlier attempt told that it was sent
// after all, or somebody deleted it.
void find_outlived(const Claimed* claimed, int count, bool* ours) {
  static Statement find{
      "SELECT f.fence, f.message_id FROM @internal@.sms_in_flight f"
      "  JOIN @extschema@.sms_messages m ON m.id = f.message_id"
      " WHERE f.message_id = ANY ($1) AND f.state = 'leased' AND m.status = 'sending'",
      {UUIDARRAYOID}};
  const uint64 found = find.run({uuids_of(
      count, [&](int i) -> auto& { return claimed[i].message_id; })});
  for (uint64 row = 0; row < found; ++row) {
    const int64 fence = bigint_column(row, 1);
    const pg_uuid_t id = uuid_column(row, 2);
    for (int i = 0; i < count; ++i)
      if (claimed[i].fence == fence && memcmp(&claimed[i].message_id, &id, UUID_LEN) == 0)
        ours[i] = true;
  }
}

}  // namespace

void check_claimed(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked) {
  static Statement find_suppressed{
      "SELECT t.position FROM unnest($1, $2, $3) AS t (position, org_id, phone)"
      "  JOIN @extschema@.sms_suppression s"
      "    ON s.org_id = t.org_id AND s.phone = ANY (@internal@.sms_phone_names(t.phone))"
      " UNION"
      " SELECT t.position FROM unnest($1, $2, $3, $4) AS t (position, org_id, phone, from_phone)"
      "  JOIN @extschema@.sms_opt_outs o ON o.phone = ANY "
      "(@internal@.sms_phone_names(t.phone))"
      " WHERE @internal@.sms_sends_as(t.org_id, t.from_phone, o.account_sid, o.sender)",
      {INT4ARRAYOID, UUIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID}};
  auto* suppressed = static_cast<bool*>(palloc0(sizeof(bool) * count));
  auto* ours = static_cast<bool*>(palloc0(sizeof(bool) * count));
  find_outlived(claimed, count, ours);
  const uint64 found =
      find_suppressed.run({positions_of(count),
                           uuids_of(
                               count, [&](int i) -> auto& { return claimed[i].org_id; }),
                           texts_of(count, [&](int i) { return claimed[i].to_phone; }),
                           texts_of(count, [&](int i) { return claimed[i].from_phone; })});
  for (uint64 row = 0; row < found; ++row)
    suppressed[int_column(row, 1)] = true;
  for (int i = 0; i < count; ++i) {
    checked[i] = Checked{};
    checked[i].route = route_of(claimed[i], checked, i, claimed, sandbox_mode);
    judge(claimed[i], ours[i], suppressed[i], sandbox_mode, &checked[i]);
  }
}

namespace {

void put_back_unreadable(Checked* checked) {
  checked->verdict = Verdict::kPutBack;
  checked->when = GetCurrentTimestamp() + kLongestHold;
}

}  // namespace

void check_bookings(const Claimed* claimed, int count, bool unreadable, Checked* checked) {
  static Statement recheck{"SELECT message_id, reason FROM @internal@.sms_recheck_bookings($1)",
                           {UUIDARRAYOID}};
  auto* about = static_cast<int*>(palloc(sizeof(int) * static_cast<Size>(count)));
  int about_bookings = 0;
  for (int i = 0; i < count; ++i)
    if (claimed[i].about_booking) about[about_bookings++] = i;
  if (about_bookings == 0) return;
  if (unreadable) {
    for (int i = 0; i < count; ++i)
      if (claimed[i].about_booking && checked[i].verdict == Verdict::kSend)
        put_back_unreadable(&checked[i]);
    return;
  }
  const uint64 found = recheck.run({uuids_of(
      about_bookings, [&](int i) -> auto& { return claimed[about[i]].message_id; })});
  for (uint64 row = 0; row < found; ++row) {
    const pg_uuid_t id = uuid_column(row, 1);
    const char* reason = text_column(row, 2);
    for (int i = 0; i < count; ++i) {
      if (memcmp(&claimed[i].message_id, &id, UUID_LEN) != 0 ||
          checked[i].verdict != Verdict::kSend)
        continue;
      if (strcmp(reason, "booking_unreadable") == 0) {
        put_back_unreadable(&checked[i]);
      } else {
        checked[i].verdict = Verdict::kWithdraw;
        checked[i].reason = reason;
      }
    }
  }
}

OrgRoute* find_route(const pg_uuid_t& org_id) {
  return read_route(org_id, true);
}

void wipe_route(OrgRoute* route) {
  if (route->token != nullptr) explicit_bzero(route->token, strlen(route->token));
}

}  // namespace coach_sms
