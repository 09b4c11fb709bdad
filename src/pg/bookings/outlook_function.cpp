#include "core/bookings/outlook.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/arrays.hpp"
#include "pg/base/ids.hpp"
#include "pg/base/statement.hpp"
#include "pg/bookings/outlook_facts.hpp"

// sms_booking_outlook(): reads the facts, lets the core judge them, and returns its verdicts.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_booking_outlook);
}

using namespace coach_sms;

namespace {

// The columns of the type sms_booking that the core judges.
enum BookingColumn {
  kId = 1,
  kOrgId = 2,
  kStartTime = 4,
  kEndTime = 5,
  kState = 6,
  kReminderSent = 7,
  kFeedbackSent = 8
};

std::optional<Datum> value_of(HeapTupleHeader row, BookingColumn column) {
  bool is_null;
  const Datum value = GetAttributeByNum(row, static_cast<AttrNumber>(column), &is_null);
  return is_null ? std::nullopt : std::optional(value);
}

Uuid uuid_of(HeapTupleHeader row, BookingColumn column) {
  const auto value = value_of(row, column);
  return value ? to_core(*DatumGetUUIDP(*value)) : Uuid{};
}

std::optional<int64_t> time_of(HeapTupleHeader row, BookingColumn column) {
  const auto value = value_of(row, column);
  return value ? std::optional<int64_t>(DatumGetTimestampTz(*value)) : std::nullopt;
}

bool flag_of(HeapTupleHeader row, BookingColumn column) {
  const auto value = value_of(row, column);
  return value && DatumGetBool(*value);
}

BookingState state_of(HeapTupleHeader row) {
  const auto value = value_of(row, kState);
  const std::string_view word = value ? TextDatumGetCString(*value) : "";
  if (word == "confirmed") return BookingState::kConfirmed;
  return word == "completed" ? BookingState::kCompleted : BookingState::kOther;
}

struct GivenBooking {
  Uuid id;
  Uuid org;  // all zero where it has none
  Booking facts;
};

GivenBooking given_booking(Datum value) {
  HeapTupleHeader row = DatumGetHeapTupleHeader(value);
  return {.id = uuid_of(row, kId),
          .org = uuid_of(row, kOrgId),
          .facts = {.has_org = value_of(row, kOrgId).has_value(),
                    .state = state_of(row),
                    .start = time_of(row, kStartTime),
                    .end = time_of(row, kEndTime),
                    .reminder_sent = flag_of(row, kReminderSent),
                    .feedback_sent = flag_of(row, kFeedbackSent)}};
}

struct GivenBookings {
  GivenBooking* first;
  int count;
};

GivenBookings given_bookings(ArrayType* array) {
  Datum* rows;
  bool* nulls;
  int count;
  deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &rows, &nulls, &count);
  auto* bookings =
      static_cast<GivenBooking*>(palloc(sizeof(GivenBooking) * static_cast<Size>(count + 1)));
  int given = 0;
  for (int i = 0; i < count; ++i)
    if (!nulls[i]) bookings[given++] = given_booking(rows[i]);
  return {bookings, given};
}

Datum keys_of(const GivenBookings& bookings, Uuid GivenBooking::*key) {
  return array_of(UUIDOID, bookings.count, [&](int i, bool*) {
    return PointerGetDatum((bookings.first[i].*key).bytes.data());
  });
}

// A result row. Values are added from left to right.
class ResultRow {
 public:
  void add(Datum value, bool is_null = false) {
    values_[count_] = value;
    nulls_[count_++] = is_null;
  }
  void add_time(std::optional<int64_t> time) { add(TimestampTzGetDatum(time.value_or(0)), !time); }
  void add_word(std::string_view word) {
    add(PointerGetDatum(cstring_to_text_with_len(word.data(), static_cast<int>(word.size()))));
  }
  void add_uuid(const Uuid& id, bool is_null = false) {
    add(PointerGetDatum(id.bytes.data()), is_null);
  }
  template <typename Row>
  void add_column(const Table<Row>& table, const Row* row, int column) {
    bool is_null;
    const Datum value = table.column(row, column, &is_null);
    add(value, is_null);
  }
  void put(ReturnSetInfo* result) {
    tuplestore_putvalues(result->setResult, result->setDesc, values_, nulls_);
  }

 private:
  static constexpr int kColumns = 17;
  Datum values_[kColumns];
  bool nulls_[kColumns];
  int count_ = 0;
};

// The facts that all verdicts of a call share.
struct Facts {
  Moment moment;
  Table<TextRule> rules;
  Table<TextRecord> records;
};

// Returns one text's row. `rule` is nullptr for an org without settings.
void return_text(ReturnSetInfo* result, const Facts& facts, const GivenBooking& booking,
                 const TextRule* rule, const TextOutlook& outlook) {
  const Uuid schedule = rule == nullptr ? Uuid{} : rule->schedule;
  ResultRow row;
  row.add_uuid(booking.id);
  row.add_uuid(booking.org, !booking.facts.has_org);
  row.add_word(type_word(rule == nullptr ? TextType::kConfirmation : rule->type));
  row.add_uuid(schedule);
  if (rule == nullptr)
    row.add_word("confirmation");
  else
    row.add_column(facts.rules, rule, kRuleLabel);
  row.add_column(facts.rules, rule, kRuleTemplateKey);
  row.add_time(booking.facts.start);
  row.add_time(booking.facts.end);
  row.add_time(outlook.due_at);
  row.add_time(outlook.expires_at);
  row.add_word(outlook.verdict);
  row.add(BoolGetDatum(outlook.is_due));
  row.add(BoolGetDatum(outlook.is_stale));
  row.add(BoolGetDatum(outlook.is_unmarked));
  row.add_column(facts.records, outlook.record, kRecordMessageId);
  row.add_column(facts.records, outlook.record, kRecordReason);
  row.add_column(facts.records, outlook.record, kRecordUpdatedAt);
  row.put(result);
}

void return_booking(ReturnSetInfo* result, const Facts& facts, const GivenBooking& booking) {
  static constexpr TextRule kNoSettings;
  const auto rules = booking.facts.has_org ? facts.rules.with(&TextRule::org, booking.org)
                                           : std::span<const TextRule>{};
  const auto history = facts.records.with(&TextRecord::booking, booking.id);
  for (const TextRule& rule : rules)
    return_text(result, facts, booking, &rule,
                text_outlook(rule, booking.facts, rules, history, facts.moment));
  if (rules.empty())
    return_text(result, facts, booking, nullptr,
                text_outlook(kNoSettings, booking.facts, rules, history, facts.moment));
}

}  // namespace

// sms_booking_outlook(bookings sms_booking[]) → setof record: a row for each text that they could
// have
Datum coach_sms_booking_outlook(PG_FUNCTION_ARGS) {
  ReturnSetInfo* result = init_materialized_srf(fcinfo);
  use_schema_of(fcinfo);
  const GivenBookings bookings = given_bookings(PG_GETARG_ARRAYTYPE_P(0));
  if (bookings.count == 0) return Datum{0};
  SPI_connect();
  const Facts facts{read_moment(), read_rules(keys_of(bookings, &GivenBooking::org)),
                    read_records(keys_of(bookings, &GivenBooking::id))};
  for (int i = 0; i < bookings.count; ++i)
    return_booking(result, facts, bookings.first[i]);
  SPI_finish();
  return Datum{0};
}
