#pragma once

#include <algorithm>
#include <span>

#include "core/bookings/outlook.hpp"
#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// The facts that the outlook of bookings depends on, as our tables have them now.

// What was read, one struct a row. The rows themselves stay, for columns that are only handed on.
template <typename Row>
struct Table {
  SPITupleTable* rows;
  Row* first;
  uint64 count;

  // Returns the rows with that key; the table is in the order of its keys.
  std::span<const Row> with(Uuid Row::*key, const Uuid& value) const {
    const auto found = std::ranges::equal_range(first, first + count, value, {}, key);
    return {found.begin(), found.end()};
  }

  // Returns a column of one of the rows; NULL where `row` is nullptr.
  Datum column(const Row* row, int number, bool* is_null) const {
    *is_null = true;
    if (row == nullptr) return Datum{0};
    return SPI_getbinval(rows->vals[row - first], rows->tupdesc, number, is_null);
  }
};

// Columns that the judgement does not look at, or that are returned as they are.
enum RuleColumn { kRuleLabel = 8, kRuleTemplateKey };
enum RecordColumn { kRecordReason = 6, kRecordUpdatedAt = 8, kRecordMessageId = 10 };

// They need SPI, and live until SPI_finish(). Arguments are of type uuid[].
Moment read_moment();
Table<TextRule> read_rules(Datum org_ids);          // in the order of orgs
Table<TextRecord> read_records(Datum booking_ids);  // in the order of bookings

TextType text_type(std::string_view word);
const char* type_word(TextType type);

}  // namespace coach_sms
