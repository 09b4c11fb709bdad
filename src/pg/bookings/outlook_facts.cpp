#include "pg/bookings/outlook_facts.hpp"
#include <limits>

#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"

namespace coach_sms {

namespace {

// The core only compares times, so both sides may count from PostgreSQL's epoch.
static_assert(DT_NOBEGIN == std::numeric_limits<int64_t>::min());

std::optional<int64_t> optional_time(uint64 row, int column) {
  bool is_null;
  const Datum value = datum_column(row, column, &is_null);
  if (is_null) return std::nullopt;
  return DatumGetTimestampTz(value);
}

// Returns the column's text; empty for NULL.
std::string_view view_column(uint64 row, int column) {
  const char* value = text_column(row, column);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

template <typename Row>
Table<Row> keep_rows(uint64 count, Row (*read_row)(uint64 row)) {
  auto* kept = static_cast<Row*>(palloc(sizeof(Row) * (count + 1)));
  for (uint64 row = 0; row < count; ++row)
    kept[row] = read_row(row);
  return {SPI_tuptable, kept, count};
}

TextRule rule_of(uint64 row) {
  return {.org = to_core(uuid_column(row, 1)),
          .type = text_type(view_column(row, 2)),
          .schedule = to_core(uuid_column(row, 3)),
          .org_state = bool_column(row, 4) ? OrgState::kEnabled : OrgState::kDisabled,
          .is_on = bool_column(row, 5),
          .span = bigint_column(row, 6),
          .since = time_column(row, 7, DT_NOBEGIN)};
}

TextRecord record_of(uint64 row) {
  bool has_no_message;
  datum_column(row, kRecordMessageId, &has_no_message);
  return {.booking = to_core(uuid_column(row, 1)),
          .type = text_type(view_column(row, 2)),
          .schedule = to_core(uuid_column(row, 3)),
          .session_start = optional_time(row, 4),
          .session_end = optional_time(row, 5),
          .has_message = !has_no_message,
          .reason = view_column(row, kRecordReason),
          .try_until = optional_time(row, 7),
          .updated_at = time_column(row, kRecordUpdatedAt, DT_NOBEGIN),
          .revision = int_column(row, 9),
          .status = view_column(row, 11),
          .error_code = view_column(row, 12),
          .is_sandbox_message = bool_column(row, 13),
          .made_at = optional_time(row, 14)};
}

}  // namespace

TextType text_type(std::string_view word) {
  if (word == "reminder") return TextType::kReminder;
  return word == "feedback" ? TextType::kFeedback : TextType::kConfirmation;
}

const char* type_word(TextType type) {
  switch (type) {
    case TextType::kReminder:
      return "reminder";
    case TextType::kFeedback:
      return "feedback";
    case TextType::kConfirmation:
      break;
  }
  return "confirmation";
}

Moment read_moment() {
  static Statement facts{R"sql(
      SELECT (SELECT s.attached_at FROM @extschema@.sms_bookings_source s),
             bool_or(v.mode = 'live'), max(v.live_since) FILTER (WHERE v.mode = 'live')
        FROM @internal@.sms_server v)sql",
                         {}};
  facts.read();
  return {.now = GetCurrentTransactionStartTimestamp(),
          .attached_at = time_column(0, 1, DT_NOBEGIN),
          .is_live = bool_column(0, 2),
          .live_since = time_column(0, 3, DT_NOBEGIN)};
}

Table<TextRule> read_rules(Datum org_ids) {
  static Statement facts{R"sql(
      SELECT r.org_id, r.type, r.schedule_id, r.enabled, r.is_on,
             (extract(epoch FROM r.span) * 1000000)::bigint, r.since, r.label, r.template_key
        FROM @internal@.sms_booking_rules r
       WHERE r.org_id = ANY ($1) ORDER BY r.org_id, r.schedule_id, r.type)sql",
                         {UUIDARRAYOID}};
  return keep_rows(facts.read(org_ids), rule_of);
}

// LIMIT 1 makes the planner look each message up by its key.
Table<TextRecord> read_records(Datum booking_ids) {
  static Statement facts{R"sql(
      SELECT t.booking_id, t.type, t.schedule_id, t.session_start, t.session_end, t.reason,
             t.try_until, t.updated_at, t.revision, t.message_id,
             m.status, m.error_code, m.sandbox, m.created_at
        FROM @extschema@.sms_booking_texts t
        LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m
                            WHERE m.id = t.message_id LIMIT 1) m ON true
       WHERE t.booking_id = ANY ($1) ORDER BY t.booking_id)sql",
                         {UUIDARRAYOID}};
  return keep_rows(facts.read(booking_ids), record_of);
}

}  // namespace coach_sms
