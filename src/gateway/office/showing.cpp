#include "gateway/office/showing.hpp"

#include <vector>

#include "gateway/office/actions.hpp"
#include "gateway/office/bars.hpp"
#include "gateway/office/html.hpp"
#include "gateway/office/table.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerWithin = 12s;
constexpr int kMostOrgs = 200;  // in the list to choose from

constexpr char kOrgs[] = "SELECT org_id FROM $schema.sms_settings ORDER BY org_id LIMIT 200";

constexpr char kMessage[] =
    "SELECT to_phone AS \"To\", body AS \"Text\", status AS \"Status\", id AS \"_message\","
    "       status IN ('failed', 'cancelled') AS \"_again\","
    "       status IN ('pending', 'queued') AS \"_cancel\""
    "  FROM $schema.sms_messages WHERE id = $1::uuid";

constexpr char kTimeline[] =
    "SELECT to_char(w.at AT TIME ZONE s.timezone, 'Dy FMDD Mon YYYY, FMHH12:MI:SS AM') AS \"When\","
    "       w.what AS \"What\", w.detail AS \"Details\""
    "  FROM $schema.sms_messages m JOIN $schema.sms_settings s ON s.org_id = m.org_id,"
    "       $schema.sms_why(m.id) WITH ORDINALITY w (at, what, detail, n)"
    " WHERE m.id = $1::uuid ORDER BY w.n";

constexpr char kBooking[] =
    "SELECT e.label AS \"Text\", e.status AS \"Status\", e.explanation AS \"Why\","
    "       e.message_id AS \"_message\" FROM $schema.sms_explain($1::uuid) e";

std::string hidden(const char* name, std::string_view value) {
  return std::string("<input type=\"hidden\" name=\"") + name + "\" value=\"" + escaped(value) +
         "\">";
}

}  // namespace

Answer not_found() {
  Document page("Not found");
  page.paragraph("There is no such page, or none for this role.");
  return page.answer(404);
}

Answer Showing::show() {
  const Rights& rights = connection_.rights;
  if (request_.path == "/" && !rights.sees_texts) return redirect("/server");
  for (const Page& page : all_pages())
    if (request_.path == page.path && rights.*page.right) return show_page(page);
  if (request_.path == "/message" && rights.sees_texts) return show_message();
  if (request_.path == "/booking" && rights.sees_texts) return show_booking();
  if (request_.path == "/confirm") return ask_to_confirm();
  return not_found();
}

Answer Showing::act() {
  const Action* action = find_action(request_.given("do"), connection_.rights);
  if (request_.path != "/do" || action == nullptr) return not_found();
  const std::string id = request_.given("id");
  Rows rows;
  if (ask(action->sql, {id, "by " + connection_.role + ", in the office"}, &rows))
    return redirect(action->is_of_message ? "/message?id=" + in_query(id) : "/server");
  Document document = begin("Not done");
  document.alert(connection_.database.error());
  return document.answer(409);
}

Document Showing::begin(const char* title, const std::string& org) {
  Document document(title);
  document.navigation(connection_, request_.path, org, token_);
  return document;
}

Answer Showing::show_page(const Page& page) {
  std::string form;
  const std::string org = page.is_of_org ? choose_org(&form) : std::string();
  Document document = begin(page.title, org);
  document.html(form);
  if (page.is_of_org && org.empty()) {
    document.paragraph("This role belongs to no org that has settings.");
    return document.answer(200);
  }
  for (const Section& section : page.sections)
    add_section(page, section, org, &document);
  if (!page.is_of_org && connection_.rights.pauses)
    document.html("<p>" + link("/confirm?do=pause", "Pause all sending") + ' ' +
                  link("/confirm?do=resume", "Resume all sending") + "</p>");
  return document.answer(200);
}

// Returns the org that is shown; empty: the role sees none. `form` lets a role that sees several
// choose another one.
std::string Showing::choose_org(std::string* form) {
  std::string org = request_.asked("org");
  Rows rows;
  const int count = ask(kOrgs, {}, &rows) ? PQntuples(rows.get()) : 0;
  if (org.empty() && count > 0) org = PQgetvalue(rows.get(), 0, 0);
  if (count < 2) return org;
  // With more orgs than a list can hold, the org is typed in.
  *form = "<form action=\"" + escaped(request_.path) + "\"><label for=\"org\">Org</label>";
  if (count == kMostOrgs) {
    *form += "<input id=\"org\" name=\"org\" size=\"36\" value=\"" + escaped(org) + "\">";
  } else {
    *form += "<select id=\"org\" name=\"org\">";
    for (int row = 0; row < count; ++row) {
      const std::string_view each = PQgetvalue(rows.get(), row, 0);
      *form += each == org ? "<option selected>" : "<option>";
      *form += escaped(each) + "</option>";
    }
    *form += "</select>";
  }
  *form += " <button>Show</button></form>";
  return org;
}

void Showing::add_section(const Page& page, const Section& section, const std::string& org,
                          Document* document) {
  const char* title = section.title != nullptr ? section.title : page.title;
  if (section.title != nullptr) document->heading(title);
  Rows rows;
  const bool is_paged = std::string_view(section.sql).find("$2") != std::string_view::npos;
  const bool is_there =
      !page.is_of_org ? ask(section.sql, {}, &rows)
      : is_paged ? ask(section.sql, {org, request_.asked("before"), request_.asked("id")}, &rows)
                 : ask(section.sql, {org}, &rows);
  if (!is_there) return add_trouble(document);
  if (PQntuples(rows.get()) == 0) return document->paragraph(section.empty);
  switch (section.shape) {
    case Shape::kTable:
      return document->html(table_of(rows.get(), connection_.rights,
                                     std::string(page.path) + "?org=" + in_query(org), title));
    case Shape::kBars: {
      const std::string bars = bars_of(rows.get(), title);
      return bars.empty() ? document->paragraph(section.empty) : document->html(bars);
    }
    case Shape::kLetters:
      return document->html("<p class=\"letters\">" + escaped(PQgetvalue(rows.get(), 0, 0)) +
                            "</p>");
  }
}

Answer Showing::show_message() {
  Document document = begin("A message");
  add_rows(kMessage, "The message", &document);
  document.heading("What happened");
  add_rows(kTimeline, "What happened", &document);
  return document.answer(200);
}

Answer Showing::show_booking() {
  Document document = begin("A booking's texts");
  add_rows(kBooking, "Texts of the booking", &document);
  return document.answer(200);
}

Answer Showing::ask_to_confirm() {
  const Action* action = find_action(request_.asked("do"), connection_.rights);
  if (action == nullptr) return not_found();
  Document document = begin(action->question);
  if (action->is_of_message) add_rows(kMessage, "The message", &document);
  document.html("<form method=\"post\" action=\"/do\">" + hidden("token", token_) +
                hidden("do", action->name) + hidden("id", request_.asked("id")) + "<p><button>" +
                escaped(action->button) + "</button></p></form>");
  return document.answer(200);
}

// Adds the rows of a query whose $1 is the request's id.
void Showing::add_rows(const char* sql, const char* caption, Document* document) {
  Rows rows;
  if (!ask(sql, {request_.asked("id")}, &rows)) return add_trouble(document);
  if (PQntuples(rows.get()) == 0) return document->paragraph("There is none with this id.");
  document->html(table_of(rows.get(), connection_.rights, {}, caption));
}

// Runs a query with these values; an empty one is NULL.
bool Showing::ask(const char* sql, std::initializer_list<std::string> values, Rows* rows) {
  std::vector<const char*> given;
  for (const std::string& value : values)
    given.push_back(value.empty() ? nullptr : value.c_str());
  return connection_.database.run(sql, given, Clock::now() + kAnswerWithin, rows) == Ending::kDone;
}

void Showing::add_trouble(Document* document) {
  document->alert("This cannot be read: " + connection_.database.error());
}

}  // namespace coach_sms
