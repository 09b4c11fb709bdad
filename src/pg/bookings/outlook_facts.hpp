#pragma once

#include <algorithm>
#include <span>

#include "core/bookings/outlook.hpp"
#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// The facts on which the outlook of bookings depends, as our tables have them now.

// The rows that were read, one struct a row. The SPI rows stay too, for columns that are only
// passed on.
template <typename Row>
struct Table {
  SPITupleTable* rows;
  Row* first;
  uint64 count;

  // Returns the rows with that key; the table is in the order of its keys.
  std::span<const Row> with(Uuid Row::*key, const Uuid& value) const {
    const Row* begin = std::partition_point(first, first + count,
                                            [&](const Row& row) { return row.*key < value; });
    const Row* end = std::partition_point(begin, static_cast<const Row*>(first + count),
                                          [&](const Row& row) { return row.*key == value; });
    return {begin, end};
  }

  // Returns a column of one of the rows; NULL where `row` is nullptr.
  Datum column(const Row* row, int number, bool* is_null) const {
    *is_null = true;
    if (row == nullptr) return Datum{0};
    return SPI_getbinval(rows->vals[row - first], rows->tupdesc, number, is_null);
  }
};

// Columns that the core does not read, or that are returned as they are.
enum RuleColumn { kRuleLabel = 8, kRuleTemplateKey };
enum RecordColumn { kRecordReason = 6, kRecordUpdatedAt = 8, kRecordMessageId = 10 };

// Read the facts. They need SPI, and the results live until SPI_finish(). Arguments are of type
// uuid[].
Moment read_moment();
Table<TextRule> read_rules(Datum org_ids);          // in the order of orgs
Table<TextRecord> read_records(Datum booking_ids);  // in the order of bookings

TextType text_type(std::string_view word);
const char* type_word(TextType type);

}  // namespace coach_sms
