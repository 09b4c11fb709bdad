#pragma once

#include <initializer_list>
#include <string>

#include "gateway/office/document.hpp"
#include "gateway/office/pages.hpp"
#include "gateway/office/request.hpp"
#include "gateway/office/role_connections.hpp"

namespace coach_sms {

// Answers one request of a person who has signed in, over a connection of the role.
class Showing {
 public:
  // `token` is that of the sign-in's forms. No statement waits longer than `deadline`.
  Showing(const OfficeRequest* request, RoleConnection* connection, std::string token,
          Clock::time_point deadline)
      : request_(*request),
        connection_(*connection),
        token_(std::move(token)),
        deadline_(deadline) {}

  // Shows the page of the request's path, or asks for a confirmation.
  Answer show();
  // Does what the form says.
  Answer act();

 private:
  Answer show_page(const Page& page);
  Answer show_message();
  Answer show_booking();
  Answer ask_to_confirm();
  Document begin(const char* title, const std::string& org = {});
  bool read_orgs(Rows* orgs, std::string* org);
  std::string form_for(const PGresult* orgs, const std::string& org) const;
  void add_section(const Page& page, const Section& section, const std::string& org,
                   Document* document);
  void add_rows(const char* sql, const char* caption, Document* document);
  Ending ask(const char* sql, std::initializer_list<std::string> values, Rows* rows);
  Answer not_done(const char* title, std::string_view why);
  void add_trouble(Document* document);

  const OfficeRequest& request_;
  RoleConnection& connection_;
  std::string token_;
  Clock::time_point deadline_;
};

// Returns the answer for a path that is no page, or none for this role.
Answer not_found();

}  // namespace coach_sms
