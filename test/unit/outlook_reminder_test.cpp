#include "outlook_fixture.hpp"

namespace coach_sms::test {
namespace {

TEST(BookingOutlookReminder, AReminderIsDueTwoMinutesEarlySinceAPassComesEachMinute) {
  Scene scene;
  scene.starts_in(24 * kHour + kSoon);
  EXPECT_EQ(scene.outlook(kReminder).verdict, "due");
  EXPECT_TRUE(scene.outlook(kReminder).is_due);
  scene.starts_in(24 * kHour + kSoon + 1);
  EXPECT_EQ(scene.outlook(kReminder).verdict, "later");
  EXPECT_FALSE(scene.outlook(kReminder).is_due);
}

// Sydney's clocks go forward on 4 October 2026: a session at 9:00 is reminded of at 8:00 the day
// before. New York's go back on 1 November 2026: at 10:00.
TEST(BookingOutlookReminder, SpansAreElapsedTimeWhereClocksChange) {
  constexpr std::int64_t kSydney9h = 1'791'064'800'000'000;    // 2026-10-04 09:00:00+11
  constexpr std::int64_t kSydney8h = 1'790'978'400'000'000;    // 2026-10-03 08:00:00+10
  constexpr std::int64_t kNewYork9h = 1'793'541'600'000'000;   // 2026-11-01 09:00:00-05
  constexpr std::int64_t kNewYork10h = 1'793'455'200'000'000;  // 2026-10-31 10:00:00-04
  Scene scene;
  scene.moment.now = kSydney8h - kDay;
  scene.booking.start = kSydney9h;
  EXPECT_EQ(scene.outlook(kReminder).due_at, kSydney8h);
  scene.booking.start = kNewYork9h;
  EXPECT_EQ(scene.outlook(kReminder).due_at, kNewYork10h);
}

TEST(BookingOutlookReminder, ARowOfSchedulesDoesNotLookAtOthers) {
  Scene scene;
  scene.starts_in(20 * kHour);
  scene.rule_of(kReminder).schedule = kSchedule;
  scene.message(kReminder, "sent", kOtherSchedule);
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "due");
}

TEST(BookingOutlookReminder, OfSeveralRemindersTheLatestThatIsDueGoes) {
  Scene scene;
  scene.rules = {rule(kConfirmation), rule(kReminder, kDay, kSchedule),
                 rule(kReminder, 2 * kHour, kOtherSchedule)};
  scene.starts_in(20 * kHour);
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "due");
  EXPECT_EQ(scene.outlook(kReminder, kOtherSchedule).verdict, "later");
  scene.starts_in(2 * kHour + kSoon);  // both are due
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "superseded");
  EXPECT_EQ(scene.outlook(kReminder, kOtherSchedule).verdict, "due");
  scene.rules[2].is_on = false;  // one that is switched off takes nobody's place
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "due");
  scene.rules[2] = rule(kReminder, kDay, kOtherSchedule);  // nor one that is due at the same time
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "due");
}

TEST(BookingOutlookReminder, AReminderOnTheHeelsOfTheConfirmation) {
  // The reminder was due when the confirmation was made, or so long after it.
  const auto confirmed = [](std::int64_t ago, const char* status = "sent") {
    return [=](Scene& s) {
      s.starts_in(24 * kHour);
      s.message(kConfirmation, status).made_at = kNow - ago;
    };
  };
  expect_verdicts({
      {"less than an hour after it", kReminder, "confirmation_just_sent", confirmed(kHour - 1)},
      {"an hour after it", kReminder, "due", confirmed(kHour)},
      {"booked within the span, long ago", kReminder, "confirmation_just_sent",
       [](Scene& s) {
         s.starts_in(kHour);
         s.message(kConfirmation, "sent").made_at = kNow - 10 * kHour;
       }},
      {"the confirmation failed", kReminder, "due", confirmed(0, "failed")},
      {"the confirmation was cancelled", kReminder, "due", confirmed(0, "cancelled")},
      {"it was skipped", kReminder, "due",
       [](Scene& s) {
         s.starts_in(24 * kHour);
         s.skipped(kConfirmation, "no_phone", kDay).updated_at = kNow;
       }},
      {"it named another time", kReminder, "due",
       [&](Scene& s) {
         confirmed(0)(s);
         s.history.back().session_start = kNow + 30 * kHour;
       }},
      {"a sandbox sent it", kReminder, "due",
       [&](Scene& s) {
         confirmed(0)(s);
         s.history.back().is_sandbox_message = true;
       }},
      {"its message is gone: by when it was decided", kReminder, "confirmation_just_sent",
       [&](Scene& s) {
         confirmed(0, "")(s);
         s.history.back().made_at.reset();
         s.history.back().updated_at = kNow - kHour + 1;
       }},
      {"feedback has no such rule", kFeedback, "due",
       [](Scene& s) {
         s.ended(2 * kHour);
         s.message(kConfirmation, "sent").made_at = kNow;
       }},
  });
}

}  // namespace
}  // namespace coach_sms::test
