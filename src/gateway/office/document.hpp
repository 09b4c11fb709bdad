#pragma once

#include <string>
#include <string_view>

#include "gateway/call.hpp"
#include "gateway/office/role_connections.hpp"

namespace coach_sms {

// One HTML page, written from its top to its end.
class Document {
 public:
  explicit Document(std::string_view title) : title_(title) {}

  // Adds links to the pages that the role may see, and the form that signs out. `path` is the
  // page's own. `org` is carried on; empty: none.
  void navigation(const RoleConnection& connection, std::string_view path, std::string_view org,
                  std::string_view token);
  void heading(std::string_view text);
  void paragraph(std::string_view text);
  // Adds a message that a screen reader reads out at once.
  void alert(std::string_view text);
  // Adds HTML, whose data went through escaped().
  void html(std::string_view html) { body_ += html; }

  // Returns the page as an answer.
  Answer answer(int status) const;

 private:
  std::string title_;
  std::string top_;
  std::string body_;
};

// Returns an answer that sends the browser to another page.
Answer redirect(std::string target);

// Returns the style sheet of all pages.
Answer style_sheet();

}  // namespace coach_sms
