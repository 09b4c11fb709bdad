#include "pg/sender/presend_check.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/statement.hpp"

namespace coach_sms {

namespace {

OrgRoute* route_of(const Claimed& one, Checked* checked, int count, const Claimed* claimed,
                   bool sandbox_mode) {
  for (int i = count - 1; i >= 0; --i)
    if (memcmp(&claimed[i].org_id, &one.org_id, UUID_LEN) == 0) return checked[i].route;
  return find_route(one.org_id, !sandbox_mode);
}

void check_one(const Claimed& one, bool ours, bool suppressed, bool sandbox_mode,
               Checked* checked) {
  const TimestampTz now = GetCurrentTimestamp();
  const OrgRoute& route = *checked->route;
  checked->verdict = Verdict::kSend;
  if (!ours) {
    checked->verdict = Verdict::kRequeue;  // ends the claim, and leaves the message as it is
    checked->when = one.due_at;
    return;
  }
  if (suppressed) {
    checked->verdict = Verdict::kCancel;
    checked->reason = "opted_out";
  } else if (one.expires_at <= now) {
    checked->verdict = Verdict::kCancel;
    checked->reason = "expired";
  } else if (one.sandbox && !sandbox_mode) {
    checked->verdict = Verdict::kCancel;
    checked->reason = "sandbox";
  } else if (one.sandbox != sandbox_mode) {
    checked->verdict = Verdict::kRequeue;
    checked->when = now + kLookAgainIn;
  } else if (route.why_held != nullptr && !(route.lacks_only_sender && one.from_phone[0] != '\0')) {
    checked->verdict = Verdict::kRequeue;
    checked->when = one.due_at;
  } else if (!sandbox_mode && strcmp(route.account_sid, one.account_sid) != 0) {
    checked->verdict = Verdict::kRequeue;
    checked->when = now;
  }
}

// Sets `ours` for the claims that still hold. A claim no longer holds if a callback of an earlier
// attempt showed that the message was sent, or if the message was deleted.
void find_outlived(const Claimed* claimed, int count, bool* ours) {
  static Statement find{
      R"sql(
      SELECT f.fence, f.message_id FROM @internal@.sms_in_flight f
        JOIN @extschema@.sms_messages m ON m.id = f.message_id
       WHERE f.message_id = ANY ($1) AND f.state = 'leased' AND m.status = 'sending')sql",
      {UUIDARRAYOID}};
  const uint64 found = find.run(uuids_of(
      count, [&](int i) -> auto& { return claimed[i].message_id; }));
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
      R"sql(
      SELECT t.position FROM unnest($1, $2, $3) AS t (position, org_id, phone)
        JOIN @extschema@.sms_suppression s
          ON s.org_id = t.org_id AND s.phone = ANY (@internal@.sms_phone_names(t.phone))
       UNION
       SELECT t.position FROM unnest($1, $2, $3, $4) AS t (position, org_id, phone, from_phone)
        JOIN @extschema@.sms_opt_outs o ON o.phone = ANY (@internal@.sms_phone_names(t.phone))
       WHERE @internal@.sms_sends_as(t.org_id, t.from_phone, o.account_sid, o.sender))sql",
      {INT4ARRAYOID, UUIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID}};
  auto* suppressed = static_cast<bool*>(palloc0(sizeof(bool) * count));
  auto* ours = static_cast<bool*>(palloc0(sizeof(bool) * count));
  find_outlived(claimed, count, ours);
  const uint64 found =
      find_suppressed.run(positions_of(count),
                          uuids_of(
                              count, [&](int i) -> auto& { return claimed[i].org_id; }),
                          texts_of(count, [&](int i) { return claimed[i].to_phone; }),
                          texts_of(count, [&](int i) { return claimed[i].from_phone; }));
  for (uint64 row = 0; row < found; ++row)
    suppressed[int_column(row, 1)] = true;
  for (int i = 0; i < count; ++i) {
    checked[i] = Checked{};
    checked[i].route = route_of(claimed[i], checked, i, claimed, sandbox_mode);
    check_one(claimed[i], ours[i], suppressed[i], sandbox_mode, &checked[i]);
  }
}

namespace {

void requeue_unreadable(Checked* checked) {
  checked->verdict = Verdict::kRequeue;
  checked->when = GetCurrentTimestamp() + kLookAgainIn;
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
        requeue_unreadable(&checked[i]);
    return;
  }
  const uint64 found = recheck.run(uuids_of(
      about_bookings, [&](int i) -> auto& { return claimed[about[i]].message_id; }));
  for (uint64 row = 0; row < found; ++row) {
    const pg_uuid_t id = uuid_column(row, 1);
    const char* reason = text_column(row, 2);
    for (int i = 0; i < count; ++i) {
      if (memcmp(&claimed[i].message_id, &id, UUID_LEN) != 0 ||
          checked[i].verdict != Verdict::kSend)
        continue;
      if (strcmp(reason, "booking_unreadable") == 0) {
        requeue_unreadable(&checked[i]);
      } else {
        checked[i].verdict = Verdict::kCancel;
        checked[i].reason = reason;
      }
    }
  }
}

}  // namespace coach_sms
