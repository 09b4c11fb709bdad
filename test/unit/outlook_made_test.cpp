#include "outlook_fixture.hpp"

namespace coach_sms::test {
namespace {

TEST(BookingOutlookMade, WithAMessage) {
  expect_verdicts({
      {"a confirmation that waits", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, "pending"); }},
      {"one that was delivered", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, "delivered"); }},
      {"one that failed is not made again", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, "failed"); }},
      {"one whose row retention has pruned", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, ""); }},
      {"one that the application cancelled", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, "cancelled").error_code = "cancelled"; }},
      {"one that was cancelled without a code", kConfirmation, "made",
       [](Scene& s) { s.message(kConfirmation, "cancelled"); }},
      {"one that was withdrawn since the booking changed", kConfirmation, "due",
       [](Scene& s) { s.message(kConfirmation, "cancelled").error_code = "booking_changed"; }},
      {"one that was withdrawn since the booking was called off", kConfirmation, "due",
       [](Scene& s) { s.message(kConfirmation, "cancelled").error_code = "booking_cancelled"; }},
      {"one that ended with the sandbox", kConfirmation, "due",
       [](Scene& s) { s.message(kConfirmation, "cancelled").error_code = "sandbox"; }},
      {"a booking called off after its confirmation, and confirmed again", kConfirmation, "due",
       [](Scene& s) { s.message(kConfirmation, "sent").reason = "booking_cancelled"; }},
      {"a message counts even where the booking is called off", kConfirmation, "made",
       [](Scene& s) {
         s.message(kConfirmation, "sent");
         s.booking.state = BookingState::kOther;
       }},
  });
}

TEST(BookingOutlookMade, OfAMovedBooking) {
  const auto moved = [](TextType type, const char* status) {
    return [=](Scene& s) {
      s.starts_in(20 * kHour);
      s.message(type, status).session_start = kNow + 30 * kHour;
    };
  };
  expect_verdicts({
      {"it is not confirmed again", kConfirmation, "made", moved(kConfirmation, "sent")},
      {"it is reminded of again", kReminder, "due", moved(kReminder, "delivered")},
      {"also where the earlier reminder failed", kReminder, "due", moved(kReminder, "failed")},
      {"pending: the earlier one goes first", kReminder, "under_way", moved(kReminder, "pending")},
      {"queued", kReminder, "under_way", moved(kReminder, "queued")},
      {"sending", kReminder, "under_way", moved(kReminder, "sending")},
      {"unknown: nobody knows whether it went", kReminder, "under_way",
       moved(kReminder, "unknown")},
      {"one that is under way while the booking is called off", kReminder, "under_way",
       [&](Scene& s) {
         moved(kReminder, "pending")(s);
         s.booking.state = BookingState::kOther;
       }},
      {"a session that was moved since the request for feedback", kFeedback, "made",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.message(kFeedback, "sent").session_end = kNow - 9 * kHour;
       }},
      {"a final reason was about the earlier time", kReminder, "due",
       [](Scene& s) {
         s.starts_in(20 * kHour);
         s.skipped(kReminder, "opted_out", -1).session_start = kNow + 30 * kHour;
       }},
      {"but of a confirmation it stays", kConfirmation, "opted_out",
       [](Scene& s) { s.skipped(kConfirmation, "opted_out", -1).session_start = kNow + kDay; }},
  });
}

TEST(BookingOutlookMade, SentAlready) {
  const auto tomorrow = [](Scene& s) { s.starts_in(20 * kHour); };
  const auto marked = [&](Scene& s) {
    tomorrow(s);
    s.booking.reminder_sent = true;
  };
  expect_verdicts({
      {"the application has marked it", kReminder, "already_sent", marked},
      {"the application has marked the feedback", kFeedback, "already_sent",
       [](Scene& s) {
         s.ended(3 * kHour);
         s.booking.feedback_sent = true;
       }},
      {"the other flag does not count", kReminder, "due",
       [&](Scene& s) {
         tomorrow(s);
         s.booking.feedback_sent = true;
       }},
      {"no flag is about the confirmation", kConfirmation, "due", marked},
      {"marked for an earlier time of the session", kReminder, "due",
       [&](Scene& s) {
         marked(s);
         s.skipped(kReminder, "already_sent", -1).session_start = kNow + 30 * kHour;
       }},
      {"marked by us", kReminder, "due",
       [&](Scene& s) {
         marked(s);
         s.message(kReminder, "cancelled").error_code = "booking_changed";
       }},
      {"marked by us, by a schedule that is gone", kReminder, "due",
       [&](Scene& s) {
         marked(s);
         s.record(kReminder, kSchedule).revision = 1;
       }},
      {"a record of the confirmation says nothing of the flag", kReminder, "already_sent",
       [&](Scene& s) {
         marked(s);
         s.message(kConfirmation, "sent").made_at = kNow - kDay;
       }},
      {"sent by a row of sms_schedules that is gone", kReminder, "already_sent",
       [&](Scene& s) {
         tomorrow(s);
         s.message(kReminder, "sent", kSchedule);
       }},
      {"sent by it for an earlier time", kReminder, "due",
       [&](Scene& s) {
         tomorrow(s);
         s.message(kReminder, "sent", kSchedule).session_start = kNow + 30 * kHour;
       }},
      {"skipped by it", kReminder, "due",
       [&](Scene& s) {
         tomorrow(s);
         s.record(kReminder, kSchedule).reason = "opted_out";
       }},
      {"it sent another type", kReminder, "due",
       [&](Scene& s) {
         tomorrow(s);
         s.message(kFeedback, "sent", kSchedule);
       }},
  });
}

TEST(BookingOutlookMade, AWaitingMessageIsStaleOnceItWouldNotBeMade) {
  struct Stale {
    const char* name;
    TextType type;
    bool is_stale;
    std::function<void(Scene&)> arrange;
  };
  const auto waiting = [](Scene& s) {
    s.starts_in(20 * kHour);
    s.message(kConfirmation, "pending");
    s.message(kReminder, "queued");
  };
  const std::vector<Stale> cases = {
      {"a confirmation as it should be", kConfirmation, false, waiting},
      {"a reminder as it should be", kReminder, false, waiting},
      {"called off", kReminder, true,
       [&](Scene& s) { waiting(s), s.booking.state = BookingState::kOther; }},
      {"completed", kReminder, true,
       [&](Scene& s) { waiting(s), s.booking.state = BookingState::kCompleted; }},
      {"switched off", kReminder, true,
       [&](Scene& s) { waiting(s), s.rule_of(kReminder).is_on = false; }},
      {"without settings", kConfirmation, true, [&](Scene& s) { waiting(s), s.rules.clear(); }},
      {"a disabled org's messages wait", kReminder, false,
       [&](Scene& s) { waiting(s), s.rule_of(kReminder).org_state = OrgState::kDisabled; }},
      {"moved", kConfirmation, true, [&](Scene& s) { waiting(s), s.starts_in(30 * kHour); }},
      {"the reminder's span was made shorter", kReminder, true,
       [&](Scene& s) { waiting(s), s.rule_of(kReminder).span = kHour; }},
      {"being sent", kReminder, true,
       [&](Scene& s) { waiting(s), s.history[1].status = "sending", s.starts_in(kDay); }},
      {"what has left is never stale", kReminder, false,
       [&](Scene& s) { waiting(s), s.history[1].status = "sent", s.starts_in(kDay); }},
      {"what may have left is never stale", kReminder, false,
       [&](Scene& s) { waiting(s), s.history[1].status = "unknown", s.starts_in(kDay); }},
      {"a booking that lost its start", kConfirmation, true,
       [&](Scene& s) { waiting(s), s.booking.start.reset(); }},
  };
  for (const Stale& each : cases) {
    Scene scene;
    each.arrange(scene);
    EXPECT_EQ(scene.outlook(each.type).is_stale, each.is_stale) << each.name;
  }
}

TEST(BookingOutlookMade, AMadeTextIsUnmarkedUntilTheFlagSaysSo) {
  Scene scene;
  scene.starts_in(20 * kHour);
  scene.message(kConfirmation, "sent");
  scene.message(kReminder, "sent");
  EXPECT_TRUE(scene.outlook(kReminder).is_unmarked);
  EXPECT_FALSE(scene.outlook(kConfirmation).is_unmarked) << "it has no flag";
  scene.booking.reminder_sent = true;
  EXPECT_FALSE(scene.outlook(kReminder).is_unmarked);
  scene.ended(3 * kHour);
  EXPECT_FALSE(scene.outlook(kFeedback).is_unmarked) << "nothing was made";
  scene.message(kFeedback, "sent");
  EXPECT_TRUE(scene.outlook(kFeedback).is_unmarked);
  scene.booking.feedback_sent = true;
  EXPECT_FALSE(scene.outlook(kFeedback).is_unmarked);
}

TEST(BookingOutlookMade, ReturnsTheRecordOfItsRule) {
  Scene scene;
  scene.message(kReminder, "sent", kSchedule);
  scene.message(kReminder, "sent");
  EXPECT_EQ(scene.outlook(kReminder).record, &scene.history[1]);
  EXPECT_EQ(scene.outlook(kConfirmation).record, nullptr);
}

}  // namespace
}  // namespace coach_sms::test
