#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/uuid.hpp"

namespace coach_sms {

// Decides which texts a booking gets at a moment: rule, booking, history and moment give a verdict.
// The same facts give the same verdict, whatever happened before and however often it is computed.
//
// Times are microseconds of the caller's clock. Nothing here owns memory or throws. The views are
// of the caller's texts, which must outlive the verdict.

enum class TextType { kConfirmation, kReminder, kFeedback };

enum class BookingState { kConfirmed, kCompleted, kOther };

struct Booking {
  bool has_org = false;
  BookingState state = BookingState::kOther;
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> end;
  bool reminder_sent = false;  // the application's flags: the text was sent
  bool feedback_sent = false;
};

enum class OrgState { kWithoutSettings, kDisabled, kEnabled };

// A text that the org wants for each booking, by a row of sms_schedules or by the hours in
// sms_settings. A default TextRule stands for an org without settings.
struct TextRule {
  Uuid org;
  TextType type = TextType::kConfirmation;
  Uuid schedule;  // all zero: by the hours in sms_settings
  OrgState org_state = OrgState::kWithoutSettings;
  bool is_on = false;
  std::int64_t span = 0;           // microseconds before the start, or after the end
  std::int64_t since = INT64_MIN;  // a text that was due earlier is not sent
};

// A row of sms_booking_texts: the booking's latest text of this type and schedule, or why it had
// none. The text's message is part of it, if there is one.
struct TextRecord {
  Uuid booking;
  TextType type = TextType::kConfirmation;
  Uuid schedule;
  std::optional<std::int64_t> session_start;  // the session's times when the text was made
  std::optional<std::int64_t> session_end;
  bool has_message = false;
  std::string_view reason;  // why there is no message; empty: no reason
  std::optional<std::int64_t> try_until;
  std::int64_t updated_at = 0;
  int revision = 0;             // how many messages were made for it
  std::string_view status;      // the message's; empty: there is none any more, or there was none
  std::string_view error_code;  // the message's; empty: none
  bool is_sandbox_message = false;      // it was made while the database was a sandbox
  std::optional<std::int64_t> made_at;  // when the message was made
};

// The facts for all bookings of a database.
struct Moment {
  std::int64_t now = 0;
  std::int64_t attached_at = INT64_MIN;  // an earlier end gets no request for feedback
  bool is_live = false;
  std::int64_t live_since = INT64_MIN;  // an earlier end is history; INT64_MIN unless live
};

// A text that is due within this time is made now: a pass comes each minute.
inline constexpr std::int64_t kSoon = 120'000'000;

struct TextOutlook {
  std::optional<std::int64_t> due_at;
  std::optional<std::int64_t> expires_at;
  // "made": the message for this session exists. "under_way": a message for an earlier start
  // exists, and perhaps can still be stopped. "later": not due yet. "due": to be made now. Every
  // other word is the reason for no message, for good or for now. A reason that is final is the
  // record's own.
  std::string_view verdict;
  bool is_due = false;
  bool is_stale = false;               // the message has not left, and must not leave unchanged
  bool is_unmarked = false;            // the text is made, but the application's flag is not set
  const TextRecord* record = nullptr;  // the rule's record in the history, or nullptr
};

// Returns the outlook of one text. `rules` are all rules of the org, `rule` among them, and
// `history` all records of the booking.
TextOutlook text_outlook(const TextRule& rule, const Booking& booking,
                         std::span<const TextRule> rules, std::span<const TextRecord> history,
                         const Moment& moment) noexcept;

}  // namespace coach_sms
