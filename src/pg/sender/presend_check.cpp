#include "pg/sender/presend_check.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/consent/suppression.hpp"
#include "pg/messages/sending_tables.hpp"

namespace coach_sms {

namespace {

OrgRoute* route_of(const Claimed& one, Checked* checked, int count, const Claimed* claimed,
                   bool sandbox_mode) {
  for (int i = count - 1; i >= 0; --i)
    if (claimed[i].org == one.org) return checked[i].route;
  return find_route(to_pg(one.org), !sandbox_mode);
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

// Returns whether the claim still holds. It no longer does if a callback of an earlier attempt
// showed that the message was sent, or if the message was deleted.
bool is_ours(const Claimed& one, Table* messages, Table* in_flight) {
  FoundRow claim;
  FoundRow message;
  claim.begin(in_flight, in_flight::kMessageId, to_pg(one.message));
  message.begin(messages, messages::kId, to_pg(one.message));
  const bool ours = claim.find() && claim.row().bigint(in_flight::kFence) == one.fence &&
                    claim.row().text_is(in_flight::kState, "leased") && message.find() &&
                    message.row().text_is(messages::kStatus, "sending");
  message.end();
  claim.end();
  return ours;
}

}  // namespace

void check_claimed(const Claimed* claimed, int count, bool sandbox_mode, Checked* checked) {
  Command command;
  Table messages;
  Table in_flight;
  Suppression suppression;
  command.begin();
  messages.open(&messages::table, TableUse::kRead, &command);
  in_flight.open(&in_flight::table, TableUse::kRead, &command);
  suppression.open(&command);
  for (int i = 0; i < count; ++i) {
    const Claimed& one = claimed[i];
    checked[i] = Checked{};
    checked[i].route = route_of(one, checked, i, claimed, sandbox_mode);
    check_one(one, is_ours(one, &messages, &in_flight),
              suppression.contains(to_pg(one.org), one.from_phone, cstring_to_text(one.to_phone)),
              sandbox_mode, &checked[i]);
  }
  suppression.close();
  in_flight.close();
  messages.close();
  command.end();
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
      about_bookings, [&](int i) -> auto& { return to_pg(claimed[about[i]].message); }));
  for (uint64 row = 0; row < found; ++row) {
    const pg_uuid_t id = uuid_column(row, 1);
    const char* reason = text_column(row, 2);
    for (int i = 0; i < count; ++i) {
      if (claimed[i].message != to_core(id) || checked[i].verdict != Verdict::kSend) continue;
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
