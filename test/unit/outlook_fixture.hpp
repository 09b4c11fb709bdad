// A booking, its rules and its history, arranged by a test, and the outlook of a text then.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/bookings/outlook.hpp"

namespace coach_sms::test {

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

inline TextRule rule(TextType type, std::int64_t span = 0, const Uuid& schedule = kByHours) {
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

inline void expect_verdicts(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    Scene scene;
    each.arrange(scene);
    EXPECT_EQ(scene.outlook(each.type).verdict, each.verdict) << each.name;
  }
}

}  // namespace coach_sms::test
