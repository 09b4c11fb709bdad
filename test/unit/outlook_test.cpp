#include "core/bookings/outlook.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace coach_sms {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kNow = 1'000 * kDay;
constexpr Uuid kByHours{};  // a rule of sms_settings
constexpr Uuid kSchedule{{1}};
constexpr Uuid kOtherSchedule{{2}};

constexpr TextType kConfirmation = TextType::kConfirmation;
constexpr TextType kReminder = TextType::kReminder;
constexpr TextType kFeedback = TextType::kFeedback;

TextRule rule(TextType type, std::int64_t span = 0, const Uuid& schedule = kByHours) {
  TextRule rule;
  rule.type = type;
  rule.schedule = schedule;
  rule.org_state = OrgState::kEnabled;
  rule.is_on = true;
  rule.span = span;
  return rule;
}

// A confirmed booking in two days, of an org with the rules of a new row of sms_settings, in a live
// database; nothing was ever sent for it.
struct Scene {
  Booking booking{.has_org = true,
                  .state = BookingState::kConfirmed,
                  .start = kNow + 2 * kDay,
                  .end = kNow + 2 * kDay + kHour};
  std::vector<TextRule> rules{rule(kConfirmation), rule(kReminder, 24 * kHour),
                              rule(kFeedback, 2 * kHour)};
  std::vector<TextRecord> history;
  Moment moment{.now = kNow, .is_live = true};

  // The session begins so long from now, and takes an hour.
  void starts_in(std::int64_t time) {
    booking.start = kNow + time;
    booking.end = *booking.start + kHour;
  }
  // It ended so long ago, and is completed.
  void ended(std::int64_t ago) {
    starts_in(-ago - kHour);
    booking.state = BookingState::kCompleted;
  }
  TextRule& rule_of(TextType type) {
    for (TextRule& each : rules)
      if (each.type == type) return each;
    return rules.emplace_back(rule(type));
  }
  // A record of the session as it is now, without a message.
  TextRecord& record(TextType type, const Uuid& schedule = kByHours) {
    TextRecord& made = history.emplace_back();
    made.type = type;
    made.schedule = schedule;
    made.session_start = booking.start;
    made.session_end = booking.end;
    made.updated_at = kNow - 2 * kHour;
    return made;
  }
  TextRecord& message(TextType type, const char* status, const Uuid& schedule = kByHours) {
    TextRecord& made = record(type, schedule);
    made.has_message = true;
    made.revision = 1;
    made.status = status;
    made.made_at = made.updated_at;
    return made;
  }
  TextRecord& skipped(TextType type, const char* reason, std::int64_t tried_for) {
    TextRecord& made = record(type);
    made.reason = reason;
    made.try_until = kNow + tried_for;
    return made;
  }

  TextOutlook outlook(TextType type, const Uuid& schedule = kByHours) const {
    for (const TextRule& each : rules)
      if (each.type == type && each.schedule == schedule)
        return text_outlook(each, booking, rules, history, moment);
    return text_outlook(TextRule{}, booking, rules, history, moment);
  }
};

struct Case {
  const char* name;
  TextType type;
  std::string verdict;
  std::function<void(Scene&)> arrange;
};

void expect_verdicts(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    Scene scene;
    each.arrange(scene);
    EXPECT_EQ(scene.outlook(each.type).verdict, each.verdict) << each.name;
  }
}

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

TEST(BookingOutlook, AReminderIsDueTwoMinutesEarlySinceAPassComesEachMinute) {
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
TEST(BookingOutlook, SpansAreElapsedTimeWhereClocksChange) {
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

TEST(BookingOutlook, WithAMessage) {
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

TEST(BookingOutlook, OfAMovedBooking) {
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

TEST(BookingOutlook, SentAlready) {
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

TEST(BookingOutlook, ARowOfSchedulesDoesNotLookAtOthers) {
  Scene scene;
  scene.starts_in(20 * kHour);
  scene.rule_of(kReminder).schedule = kSchedule;
  scene.message(kReminder, "sent", kOtherSchedule);
  EXPECT_EQ(scene.outlook(kReminder, kSchedule).verdict, "due");
}

TEST(BookingOutlook, OfSeveralRemindersTheLatestThatIsDueGoes) {
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

TEST(BookingOutlook, AReminderOnTheHeelsOfTheConfirmation) {
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
      {"it told another time", kReminder, "due",
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

TEST(BookingOutlook, AWaitingMessageIsStaleOnceItWouldNotBeMade) {
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

TEST(BookingOutlook, AMadeTextIsUnmarkedUntilTheFlagSaysSo) {
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

TEST(BookingOutlook, ReturnsTheRecordOfItsRule) {
  Scene scene;
  scene.message(kReminder, "sent", kSchedule);
  scene.message(kReminder, "sent");
  EXPECT_EQ(scene.outlook(kReminder).record, &scene.history[1]);
  EXPECT_EQ(scene.outlook(kConfirmation).record, nullptr);
}

}  // namespace
}  // namespace coach_sms
