#pragma once

#include <span>
#include <string_view>

#include "gateway/office/role_connections.hpp"

namespace coach_sms {

// What the rows of a section become.
enum class Shape {
  kTable,
  kBars,    // a bar a row: a label, and a number
  kLetters  // the one value, in large letters
};

// A part of a page. The columns of its query are those of the table, in order, by their names. A
// column whose name begins with _ is not shown:
//   _message, _booking   ids; the first column links to the message or the booking
//   _again, _cancel      t: the row offers the action
//   _at, _id             the row's place in the order; rows are then shown by fifties
struct Section {
  const char* title;  // nullptr: the page's
  // $1 is the org. Of a query with _at and _id, $2 and $3 are those of the last row of the page
  // before, or NULL.
  const char* sql;
  const char* empty;  // the words where there is no row
  Shape shape = Shape::kTable;
};

struct Page {
  const char* path;
  const char* title;
  bool Rights::*right;
  bool is_of_org;  // its sections are of one org
  std::span<const Section> sections;
};

// Returns all pages, in the order in which they are offered.
std::span<const Page> all_pages();

// The number of rows of one part of a table.
inline constexpr int kRows = 50;

}  // namespace coach_sms
