#include "gateway/office/document.hpp"

#include <utility>

#include "gateway/office/html.hpp"
#include "gateway/office/pages.hpp"

namespace coach_sms {

namespace {

// No script, no style but ours, no frame, no form to elsewhere.
constexpr char kPolicy[] =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'";

constexpr char kStyle[] = R"css(
:root { color-scheme: light dark; --line: #767676; --mark: #0b57d0; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #8e8e8e; --mark: #a8c7fa; --bad: #f2b8b5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 0 1rem 3rem; font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--mark); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: .75rem 0; list-style: none; border-bottom: 1px solid var(--line); align-items: center; }
nav a { display: inline-block; padding: .25rem 0; }
nav a[aria-current] { font-weight: 700; text-decoration: none; color: inherit; }
nav li:last-child { margin-left: auto; }
h1 { font-size: 1.5rem; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word; }
td { overflow-wrap: anywhere; min-width: 8.5rem; }
button { font: inherit; padding: .4rem .8rem; min-height: 2.5rem; }
nav button { min-height: 0; padding: .1rem .6rem; }
input, select { font: inherit; padding: .4rem; max-width: 100%; }
label { display: block; margin: .75rem 0 .25rem; }
.letters { font-size: 2.5rem; font-weight: 700; margin: 0; }
svg { width: 100%; max-width: 40rem; height: 6rem; }
svg rect { fill: var(--mark); }
.alert { border-left: 4px solid var(--bad); padding: .25rem .75rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; }
@media (max-width: 40rem) {
  thead { position: absolute; left: -99rem; }
  table, tbody, tr, td { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { border: 0; padding: .1rem 0; min-width: 0; }
  td::before { content: attr(data-name) ": "; font-weight: 700; }
  td:empty { display: none; }
}
)css";

}  // namespace

void Document::navigation(const RoleConnection& connection, std::string_view path,
                          std::string_view org, std::string_view token) {
  top_ += "<nav aria-label=\"Pages\"><ul>";
  for (const Page& page : all_pages()) {
    if (!(connection.rights.*page.right)) continue;
    std::string target = page.path;
    if (page.is_of_org && !org.empty()) target += "?org=" + in_query(org);
    top_ += "<li><a href=\"" + escaped(target) + '"' +
            (path == page.path ? " aria-current=\"page\"" : "") + '>' + escaped(page.title) +
            "</a></li>";
  }
  top_ +=
      "<li><form method=\"post\" action=\"/sign-out\"><input type=\"hidden\" name=\"token\" "
      "value=\"" +
      escaped(token) + "\"><button>Sign out " + escaped(connection.role) +
      "</button></form></li></ul></nav>";
}

void Document::heading(std::string_view text) {
  body_ += element("h2", text);
}

void Document::paragraph(std::string_view text) {
  body_ += element("p", text);
}

void Document::alert(std::string_view text) {
  body_ += "<p class=\"alert\" role=\"alert\">" + escaped(text) + "</p>";
}

Answer Document::answer(int status) const {
  std::string html =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">" +
      element("title", title_ + " - coach_sms") +
      "<link rel=\"stylesheet\" href=\"/style.css\"></head><body>"
      "<a class=\"skip\" href=\"#main\">To the content</a>" +
      top_ + "<main id=\"main\">" + element("h1", title_) + body_ + "</main></body></html>\n";
  return {status,
          "text/html; charset=utf-8",
          std::move(html),
          {{"Content-Security-Policy", kPolicy},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "same-origin"},
           {"Cache-Control", "no-store"}}};
}

Answer redirect(std::string target) {
  return {303, {}, {}, {{"Location", std::move(target)}}};
}

Answer style_sheet() {
  return {200, "text/css; charset=utf-8", kStyle, {{"Cache-Control", "max-age=3600"}}};
}

}  // namespace coach_sms
