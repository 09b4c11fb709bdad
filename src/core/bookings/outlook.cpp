#include "core/bookings/outlook.hpp"

#include <algorithm>

namespace coach_sms {

namespace {

constexpr std::int64_t kHour = 3'600'000'000;
// A request for feedback that comes this long after its due time would only puzzle.
constexpr std::int64_t kFeedbackExpires = 72 * kHour;
// A reminder this soon after the confirmation would be one text too many.
constexpr std::int64_t kAfterConfirmation = kHour;

constexpr TextRecord kNoRecord;

// A text with all facts for its verdict.
struct Text {
  const TextRule& rule;
  const Booking& booking;
  std::span<const TextRule> rules;
  std::span<const TextRecord> history;
  const Moment& moment;
  const TextRecord& record;  // kNoRecord where the history has none
  std::optional<std::int64_t> due_at;
  std::optional<std::int64_t> expires_at;

  bool is(TextType type) const { return rule.type == type; }
};

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

const TextRecord* find_record(std::span<const TextRecord> history, TextType type,
                              const Uuid& schedule) {
  for (const TextRecord& record : history)
    if (record.type == type && record.schedule == schedule) return &record;
  return nullptr;
}

// Returns when the text is due. Spans are elapsed time: 24 hours before a session are 24 hours,
// also where clocks change.
std::optional<std::int64_t> due_at(const TextRule& rule, const Booking& booking,
                                   const Moment& moment) {
  if (rule.type == TextType::kConfirmation) return moment.now;
  const bool is_reminder = rule.type == TextType::kReminder;
  const std::optional<std::int64_t> from = is_reminder ? booking.start : booking.end;
  if (!from) return std::nullopt;
  return is_reminder ? *from - rule.span : *from + rule.span;
}

std::optional<std::int64_t> expires_at(const TextRule& rule, const Booking& booking) {
  if (rule.type != TextType::kFeedback) return booking.start;
  if (!booking.end) return std::nullopt;
  return *booking.end + rule.span + kFeedbackExpires;
}

bool is_due(const Text& text) {
  return text.due_at && *text.due_at <= text.moment.now + kSoon;
}

// Returns whether the booking is in the state that the text is for.
bool fits(const Text& text) {
  const BookingState wanted =
      text.is(TextType::kFeedback) ? BookingState::kCompleted : BookingState::kConfirmed;
  return text.booking.state == wanted;
}

// Returns whether the record is for the session's present time, and not for an earlier one.
bool is_current(const Text& text) {
  return text.is(TextType::kFeedback) ? text.record.session_end == text.booking.end
                                      : text.record.session_start == text.booking.start;
}

// Returns whether the record counts for the session as it is now. A moved booking gets a new
// reminder, but no second text of the other types.
bool counts_for_session(const Text& text) {
  return is_current(text) || !text.is(TextType::kReminder);
}

// Returns whether the text was made in sandbox and the database is live now. Such a text does not
// count.
bool was_sandbox(const TextRecord& record, const Moment& moment) {
  return moment.is_live && record.is_sandbox_message;
}

bool has_counting_message(const TextRecord& record, const Moment& moment) {
  return record.has_message && record.reason.empty() && !was_sandbox(record, moment);
}

bool was_withdrawn(const TextRecord& record) {
  return record.status == "cancelled" &&
         is_any(record.error_code, {"booking_changed", "booking_cancelled", "sandbox"});
}

bool is_made(const Text& text) {
  return has_counting_message(text.record, text.moment) && !was_withdrawn(text.record);
}

bool has_not_left(const TextRecord& record) {
  return is_any(record.status, {"pending", "queued", "sending"});
}

bool is_stale(const Text& text) {
  const bool is_too_early = !text.is(TextType::kConfirmation) && text.due_at && !is_due(text);
  return has_not_left(text.record) &&
         !(fits(text) && text.rule.is_on && is_current(text) && !is_too_early);
}

bool is_marked(const Text& text) {
  switch (text.rule.type) {
    case TextType::kReminder:
      return text.booking.reminder_sent;
    case TextType::kFeedback:
      return text.booking.feedback_sent;
    case TextType::kConfirmation:
      break;
  }
  return false;
}

// Each judge returns its word, or an empty one where the next judge decides.
using Word = std::string_view;

Word judge_message(const Text& text) {
  if (!is_made(text)) return {};
  if (counts_for_session(text)) return "made";
  return has_not_left(text.record) || text.record.status == "unknown" ? "under_way" : "";
}

Word judge_booking(const Text& text) {
  const Booking& booking = text.booking;
  const bool is_feedback = text.is(TextType::kFeedback);
  if (!booking.has_org) return "no_org";
  if (!booking.start) return "no_start_time";
  if (is_feedback && !booking.end) return "no_end_time";
  if (is_feedback && *booking.end < *booking.start) return "ends_before_start";
  if (booking.state == BookingState::kOther) return "not_confirmed";
  if (!fits(text)) return is_feedback ? "not_completed" : "session_over";
  return {};
}

Word judge_history(const Text& text) {
  const Moment& moment = text.moment;
  if (text.is(TextType::kFeedback)) {
    if (*text.booking.end <= moment.attached_at) return "before_attach";
    if (*text.booking.end <= moment.live_since) return "before_live";
  }
  const bool was_confirmed_in_sandbox = text.is(TextType::kConfirmation) &&
                                        was_sandbox(text.record, moment) &&
                                        text.record.reason != "booking_cancelled";
  return was_confirmed_in_sandbox ? "before_live" : "";
}

// A reason is final once it is not tried again. A cancelled booking may come back, so that reason
// is never final.
Word judge_reason(const Text& text) {
  const TextRecord& record = text.record;
  const bool may_change = record.reason == "booking_cancelled" ||
                          (record.try_until && *record.try_until > text.moment.now);
  return record.has_message || may_change || !counts_for_session(text) ? "" : record.reason;
}

Word judge_rule(const Text& text) {
  if (*text.expires_at <= text.moment.now) return "too_late";
  if (text.rule.org_state == OrgState::kWithoutSettings) return "no_settings";
  if (text.rule.org_state == OrgState::kDisabled) return "disabled";
  if (!text.rule.is_on) return "switched_off";
  if (!is_due(text)) return "later";
  if (*text.due_at < text.rule.since) return "before_rule";
  return {};
}

// Returns whether a row of sms_schedules, which the hours in sms_settings have since replaced,
// already sent the text.
bool was_sent_by_other_rule(const Text& text) {
  if (text.is(TextType::kConfirmation) || text.rule.schedule != Uuid{}) return false;
  return std::any_of(text.history.begin(), text.history.end(), [&](const TextRecord& other) {
    return text.is(other.type) && other.schedule != Uuid{} && other.has_message &&
           other.session_start == text.booking.start;
  });
}

// Returns whether the application sent the text itself. Its flag does not count if we have set it,
// or if it was set for an earlier time of the session.
bool was_sent_by_application(const Text& text) {
  if (!is_marked(text)) return false;
  return std::none_of(text.history.begin(), text.history.end(), [&](const TextRecord& own) {
    const bool was_moved = own.session_start && own.session_start != text.booking.start;
    return text.is(own.type) && (own.revision > 0 || own.has_message || was_moved);
  });
}

bool is_superseded(const Text& text) {
  return std::any_of(text.rules.begin(), text.rules.end(), [&](const TextRule& other) {
    if (other.type != TextType::kReminder || !other.is_on) return false;
    const std::optional<std::int64_t> due = due_at(other, text.booking, text.moment);
    return *due <= text.moment.now + kSoon && *text.due_at < *due;
  });
}

bool is_just_confirmed(const Text& text) {
  const TextRecord* record = find_record(text.history, TextType::kConfirmation, Uuid{});
  if (record == nullptr || record->session_start != text.booking.start) return false;
  if (!has_counting_message(*record, text.moment)) return false;
  if (is_any(record->status, {"failed", "cancelled"})) return false;
  return *text.due_at < record->made_at.value_or(record->updated_at) + kAfterConfirmation;
}

Word judge_other_texts(const Text& text) {
  if (was_sent_by_other_rule(text) || was_sent_by_application(text)) return "already_sent";
  if (!text.is(TextType::kReminder)) return {};
  if (is_superseded(text)) return "superseded";
  return is_just_confirmed(text) ? "confirmation_just_sent" : "";
}

Word verdict(const Text& text) {
  for (const auto judge :
       {judge_message, judge_booking, judge_history, judge_reason, judge_rule, judge_other_texts})
    if (const Word word = judge(text); !word.empty()) return word;
  return "due";
}

}  // namespace

TextOutlook text_outlook(const TextRule& rule, const Booking& booking,
                         std::span<const TextRule> rules, std::span<const TextRecord> history,
                         const Moment& moment) noexcept {
  const TextRecord* record = find_record(history, rule.type, rule.schedule);
  const Text text{rule,
                  booking,
                  rules,
                  history,
                  moment,
                  record != nullptr ? *record : kNoRecord,
                  due_at(rule, booking, moment),
                  expires_at(rule, booking)};
  TextOutlook outlook{text.due_at,    text.expires_at, verdict(text), is_due(text),
                      is_stale(text), false,           record};
  outlook.is_unmarked =
      outlook.verdict == "made" && !text.is(TextType::kConfirmation) && !is_marked(text);
  return outlook;
}

}  // namespace coach_sms
