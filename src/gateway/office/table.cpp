#include "gateway/office/table.hpp"

#include <algorithm>

#include "gateway/office/html.hpp"
#include "gateway/office/pages.hpp"

namespace coach_sms {

namespace {

// The rows with the columns that are not shown.
class Cells {
 public:
  explicit Cells(const PGresult* rows) : rows_(rows) {}

  // Returns a value; empty for NULL and for a column that is not there.
  std::string_view value(int row, const char* name) const {
    const int column = PQfnumber(rows_, name);
    return column < 0 ? std::string_view() : value(row, column);
  }
  std::string_view value(int row, int column) const { return PQgetvalue(rows_, row, column); }
  std::string_view name(int column) const { return PQfname(rows_, column); }
  bool has(const char* name) const { return PQfnumber(rows_, name) >= 0; }
  bool is_shown(int column) const { return !name(column).starts_with('_'); }
  int columns() const { return PQnfields(rows_); }
  int count() const { return PQntuples(rows_); }

 private:
  const PGresult* rows_;
};

// Returns the page that tells more about the row; empty: none.
std::string more_about(const Cells& cells, int row) {
  if (const auto id = cells.value(row, "_message"); !id.empty())
    return "/message?id=" + in_query(id);
  if (const auto id = cells.value(row, "_booking"); !id.empty())
    return "/booking?id=" + in_query(id);
  return {};
}

std::string action(const char* name, const char* words, std::string_view id) {
  return ' ' + link(std::string("/confirm?do=") + name + "&id=" + in_query(id), words);
}

// Returns whether rows of this table may have actions.
bool has_actions(const Cells& cells) {
  return cells.has("_again") || cells.has("_cancel");
}

std::string row_of(const Cells& cells, int row, const Rights& rights) {
  std::string html = "<tr>";
  bool is_first = true;
  for (int column = 0; column < cells.columns(); ++column) {
    if (!cells.is_shown(column)) continue;
    const std::string_view value = cells.value(row, column);
    html += "<td data-name=\"" + escaped(cells.name(column)) + "\">";
    const std::string target = is_first ? more_about(cells, row) : std::string();
    html += target.empty() ? escaped(value) : link(target, value);
    is_first = false;
    html += "</td>";
  }
  if (!has_actions(cells)) return html + "</tr>";
  const std::string_view message = cells.value(row, "_message");
  std::string actions;
  if (rights.sends_again && cells.value(row, "_again") == "t")
    actions += action("again", "Send again", message);
  if (rights.cancels && cells.value(row, "_cancel") == "t")
    actions += action("cancel", "Cancel", message);
  return html + "<td data-name=\"Actions\">" + actions + "</td></tr>";
}

}  // namespace

std::string table_of(const PGresult* rows, const Rights& rights, std::string_view path,
                     std::string_view caption) {
  const Cells cells(rows);
  std::string html = "<table aria-label=\"" + escaped(caption) + "\"><thead><tr>";
  for (int column = 0; column < cells.columns(); ++column)
    if (cells.is_shown(column))
      html += "<th scope=\"col\">" + escaped(cells.name(column)) + "</th>";
  if (has_actions(cells)) html += "<th scope=\"col\">Actions</th>";
  html += "</tr></thead><tbody>";
  const bool is_paged = cells.has("_at");
  const int shown = is_paged ? std::min(cells.count(), kRows) : cells.count();
  for (int row = 0; row < shown; ++row)
    html += row_of(cells, row, rights);
  html += "</tbody></table>";
  if (shown == cells.count()) return html;
  return html + "<p>" +
         link(std::string(path) + "&from=" + in_query(cells.value(shown - 1, "_at")) +
                  "&id=" + in_query(cells.value(shown - 1, "_id")),
              "More") +
         "</p>";
}

}  // namespace coach_sms
