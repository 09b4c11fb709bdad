#include "outlook_fixture.hpp"

namespace coach_sms::test {
namespace {

TEST(BookingOutlook, OfANewBooking) {
  const Scene scene;
  EXPECT_EQ(scene.outlook(kConfirmation).verdict, "due");
  EXPECT_EQ(scene.outlook(kReminder).verdict, "later");
  EXPECT_EQ(scene.outlook(kFeedback).verdict, "not_completed");
}

TEST(BookingOutlook, DueAndExpiryTimes) {
  const Scene scene;
  const std::int64_t start = *scene.booking.start;
  const std::int64_t end = *scene.booking.end;
  EXPECT_EQ(scene.outlook(kConfirmation).due_at, kNow);
  EXPECT_EQ(scene.outlook(kConfirmation).expires_at, start);
  EXPECT_EQ(scene.outlook(kReminder).due_at, start - 24 * kHour);
  EXPECT_EQ(scene.outlook(kReminder).expires_at, start);
  EXPECT_EQ(scene.outlook(kFeedback).due_at, end + 2 * kHour);
  EXPECT_EQ(scene.outlook(kFeedback).expires_at, end + 2 * kHour + 3 * kDay);
}

TEST(BookingOutlook, TimesThatAreMissingStayMissing) {
  Scene scene;
  scene.booking.start = scene.booking.end = std::nullopt;
  EXPECT_EQ(scene.outlook(kReminder).due_at, std::nullopt);
  EXPECT_EQ(scene.outlook(kReminder).expires_at, std::nullopt);
  EXPECT_EQ(scene.outlook(kFeedback).due_at, std::nullopt);
  EXPECT_EQ(scene.outlook(kFeedback).expires_at, std::nullopt);
  EXPECT_FALSE(scene.outlook(kReminder).is_due);
}

TEST(BookingOutlook, OfABookingThatIsNotFit) {
  expect_verdicts({
      {"no org", kConfirmation, "no_org", [](Scene& s) { s.booking.has_org = false; }},
      {"no start", kConfirmation, "no_start_time", [](Scene& s) { s.booking.start.reset(); }},
      {"no start, reminder", kReminder, "no_start_time", [](Scene& s) { s.booking.start.reset(); }},
      {"no end", kFeedback, "no_end_time", [](Scene& s) { s.booking.end.reset(); }},
      {"no end matters to feedback alone", kConfirmation, "due",
       [](Scene& s) { s.booking.end.reset(); }},
      {"the end before the start", kFeedback, "ends_before_start",
       [](Scene& s) { s.booking.end = *s.booking.start - 1; }},
      {"which matters to feedback alone", kConfirmation, "due",
       [](Scene& s) { s.booking.end = *s.booking.start - 1; }},
      {"called off", kConfirmation, "not_confirmed",
       [](Scene& s) { s.booking.state = BookingState::kOther; }},
      {"called off, feedback", kFeedback, "not_confirmed",
       [](Scene& s) { s.booking.state = BookingState::kOther; }},
      {"completed early: no confirmation", kConfirmation, "session_over",
       [](Scene& s) { s.booking.state = BookingState::kCompleted; }},
      {"completed early: no reminder", kReminder, "session_over",
       [](Scene& s) { s.booking.state = BookingState::kCompleted; }},
      {"confirmed and over: no feedback yet", kFeedback, "not_completed",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.booking.state = BookingState::kConfirmed;
       }},
      {"completed: feedback", kFeedback, "due", [](Scene& s) { s.ended(2 * kHour); }},
  });
}

TEST(BookingOutlook, OfHistory) {
  expect_verdicts({
      {"it ended as the bookings were attached", kFeedback, "before_attach",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.moment.attached_at = *s.booking.end;
       }},
      {"it ended after that", kFeedback, "due",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.moment.attached_at = *s.booking.end - 1;
       }},
      {"it ended as the database went live", kFeedback, "before_live",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.moment.live_since = *s.booking.end;
       }},
      {"it ended after that", kFeedback, "due",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.moment.live_since = *s.booking.end - 1;
       }},
      {"a reminder knows no history", kReminder, "due",
       [](Scene& s) {
         s.starts_in(kDay);
         s.moment.attached_at = s.moment.live_since = kNow;
       }},
      {"a sandbox confirmed it", kConfirmation, "before_live",
       [](Scene& s) { s.message(kConfirmation, "delivered").is_sandbox_message = true; }},
      {"a sandbox confirmed it, and it was called off meanwhile", kConfirmation, "due",
       [](Scene& s) {
         s.message(kConfirmation, "delivered").is_sandbox_message = true;
         s.history.back().reason = "booking_cancelled";
       }},
      {"a sandbox reminded of it", kReminder, "due",
       [](Scene& s) {
         s.starts_in(kDay);
         s.message(kReminder, "delivered").is_sandbox_message = true;
       }},
      {"in the sandbox its messages count", kConfirmation, "made",
       [](Scene& s) {
         s.moment.is_live = false;
         s.message(kConfirmation, "delivered").is_sandbox_message = true;
       }},
  });
}

TEST(BookingOutlook, OfATextThatWasSkipped) {
  expect_verdicts({
      {"it is tried again", kConfirmation, "due",
       [](Scene& s) { s.skipped(kConfirmation, "no_phone", 1); }},
      {"until its time is over", kConfirmation, "no_phone",
       [](Scene& s) { s.skipped(kConfirmation, "no_phone", 0); }},
      {"or never", kConfirmation, "before_attach",
       [](Scene& s) { s.record(kConfirmation).reason = "before_attach"; }},
      {"called off and confirmed again", kConfirmation, "due",
       [](Scene& s) { s.record(kConfirmation).reason = "booking_cancelled"; }},
      {"a final reason goes before the rule", kConfirmation, "switched_off",
       [](Scene& s) {
         s.record(kConfirmation).reason = "switched_off";
         s.rule_of(kConfirmation).org_state = OrgState::kDisabled;
       }},
      {"the booking goes before a final reason", kConfirmation, "not_confirmed",
       [](Scene& s) {
         s.record(kConfirmation).reason = "opted_out";
         s.booking.state = BookingState::kOther;
       }},
  });
}

TEST(BookingOutlook, OfARule) {
  expect_verdicts({
      {"the session has started", kConfirmation, "too_late", [](Scene& s) { s.starts_in(0); }},
      {"it starts in a moment", kConfirmation, "due", [](Scene& s) { s.starts_in(1); }},
      {"three days after it was due", kFeedback, "too_late",
       [](Scene& s) { s.ended(3 * kDay + 2 * kHour); }},
      {"a moment before that", kFeedback, "due",
       [](Scene& s) { s.ended(3 * kDay + 2 * kHour - 1); }},
      {"without settings", kConfirmation, "no_settings", [](Scene& s) { s.rules.clear(); }},
      {"without settings and too late", kConfirmation, "too_late",
       [](Scene& s) {
         s.rules.clear();
         s.starts_in(-1);
       }},
      {"the org is disabled", kConfirmation, "disabled",
       [](Scene& s) { s.rule_of(kConfirmation).org_state = OrgState::kDisabled; }},
      {"the text is switched off", kReminder, "switched_off",
       [](Scene& s) { s.rule_of(kReminder).is_on = false; }},
      {"it was due before the rule was made", kReminder, "before_rule",
       [](Scene& s) {
         s.starts_in(20 * kHour);
         s.rule_of(kReminder).since = kNow - 4 * kHour + 1;
       }},
      {"it was due when the rule was made", kReminder, "due",
       [](Scene& s) {
         s.starts_in(20 * kHour);
         s.rule_of(kReminder).since = kNow - 4 * kHour;
       }},
      {"booked within the span: at once", kReminder, "due",
       [](Scene& s) { s.starts_in(5 * kMinute); }},
      {"of no span: as the session starts", kReminder, "later",
       [](Scene& s) {
         s.rule_of(kReminder).span = 0;
         s.starts_in(kHour);
       }},
  });
}

}  // namespace
}  // namespace coach_sms::test
