#include "gateway/office/showing.hpp"

#include <vector>

#include "gateway/office/actions.hpp"
#include "gateway/office/bars.hpp"
#include "gateway/office/html.hpp"
#include "gateway/office/table.hpp"

namespace coach_sms {

namespace {

constexpr int kMostOrgs = 200;  // in the list to choose from

constexpr char kOrgs[] = "SELECT org_id FROM $schema.sms_settings ORDER BY org_id LIMIT 200";

constexpr char kMessage[] =
    "SELECT m.to_phone AS \"To\", m.body AS \"Text\", m.status AS \"Status\","
    "       f.cure AS \"What to do\", m.id AS \"_message\", f.send_again AS \"_again\","
    "       m.status IN ('pending', 'queued') AS \"_cancel\""
    "  FROM $schema.sms_messages m LEFT JOIN $schema.sms_failures f ON f.message_id = m.id"
    " WHERE m.id = $1::uuid";

constexpr char kTimeline[] =
    "SELECT to_char(w.at AT TIME ZONE coalesce(s.timezone, 'UTC'),"
    "               'Dy FMDD Mon YYYY, FMHH12:MI:SS AM') AS \"When\","
    "       w.what AS \"What\", w.detail AS \"Details\""
    "  FROM $schema.sms_messages m LEFT JOIN $schema.sms_settings s ON s.org_id = m.org_id,"
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
  const Ending ending = ask(action->sql, {id, "by " + connection_.role + ", in the office"}, &rows);
  if (ending == Ending::kAgain)
    return not_done("Not known", "The database did not answer in time: look whether it was done.");
  if (ending != Ending::kDone) return not_done("Not done", connection_.database.error());
  if (!action->is_of_message) return redirect("/server");
  const std::string_view result = PQgetvalue(rows.get(), 0, 0);
  if (result == "f") return not_done("Not done", "The message has left, or ended, already.");
  return redirect("/message?id=" + in_query(result == "t" ? id : result));
}

Answer Showing::not_done(const char* title, std::string_view why) {
  Document document = begin(title);
  document.alert(why);
  return document.answer(409);
}

Document Showing::begin(const char* title, const std::string& org) {
  Document document(title);
  document.navigation(connection_, request_.path, org, token_);
  return document;
}

Answer Showing::show_page(const Page& page) {
  Rows orgs;
  std::string org;
  const bool is_read = !page.is_of_org || read_orgs(&orgs, &org);
  Document document = begin(page.title, org);
  if (!is_read) {
    add_trouble(&document);
    return document.answer(503);
  }
  if (page.is_of_org && org.empty()) {
    document.paragraph("This role belongs to no org that has settings.");
    return document.answer(200);
  }
  if (page.is_of_org) document.html(form_for(orgs.get(), org));
  for (const Section& section : page.sections)
    add_section(page, section, org, &document);
  if (!page.is_of_org && connection_.rights.pauses)
    document.html("<p>" + link("/confirm?do=pause", "Pause all sending") + ' ' +
                  link("/confirm?do=resume", "Resume all sending") + "</p>");
  return document.answer(200);
}

// Reads the orgs that the role sees, and chooses the one to show; empty: there is none.
bool Showing::read_orgs(Rows* orgs, std::string* org) {
  if (ask(kOrgs, {}, orgs) != Ending::kDone) return false;
  *org = request_.asked("org");
  if (org->empty() && PQntuples(orgs->get()) > 0) *org = PQgetvalue(orgs->get(), 0, 0);
  return true;
}

// Returns a form that chooses another org, where the role sees several. With more orgs than a list
// can hold, the org is typed in.
std::string Showing::form_for(const PGresult* orgs, const std::string& org) const {
  const int count = PQntuples(orgs);
  if (count < 2) return {};
  std::string form =
      "<form action=\"" + escaped(request_.path) + "\"><label for=\"org\">Org</label>";
  if (count == kMostOrgs) {
    form += "<input id=\"org\" name=\"org\" size=\"36\" value=\"" + escaped(org) + "\">";
  } else {
    form += "<select id=\"org\" name=\"org\">";
    for (int row = 0; row < count; ++row) {
      const std::string_view each = PQgetvalue(orgs, row, 0);
      form += each == org ? "<option selected>" : "<option>";
      form += escaped(each) + "</option>";
    }
    form += "</select>";
  }
  return form + " <button>Show</button></form>";
}

void Showing::add_section(const Page& page, const Section& section, const std::string& org,
                          Document* document) {
  const char* title = section.title != nullptr ? section.title : page.title;
  if (section.title != nullptr) document->heading(title);
  Rows rows;
  const bool is_paged = std::string_view(section.sql).find("$2") != std::string_view::npos;
  const Ending ending =
      !page.is_of_org ? ask(section.sql, {}, &rows)
      : is_paged      ? ask(section.sql, {org, request_.asked("from"), request_.asked("id")}, &rows)
                      : ask(section.sql, {org}, &rows);
  if (ending != Ending::kDone) return add_trouble(document);
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
  if (ask(sql, {request_.asked("id")}, &rows) != Ending::kDone) return add_trouble(document);
  if (PQntuples(rows.get()) == 0) return document->paragraph("There is none with this id.");
  document->html(table_of(rows.get(), connection_.rights, {}, caption));
}

// Runs a query with these values; an empty one is NULL.
Ending Showing::ask(const char* sql, std::initializer_list<std::string> values, Rows* rows) {
  if (!connection_.database.is_connected()) return Ending::kAgain;
  std::vector<const char*> given;
  for (const std::string& value : values)
    given.push_back(value.empty() ? nullptr : value.c_str());
  return connection_.database.run(sql, given, deadline_, rows);
}

void Showing::add_trouble(Document* document) {
  document->alert("This cannot be read: " + connection_.database.error());
}

}  // namespace coach_sms
