#pragma once

#include <string_view>

#include "gateway/office/role_connections.hpp"

namespace coach_sms {

// Something that a person may do in the pages, after a confirmation.
struct Action {
  const char* name;
  bool Rights::*right;
  bool is_of_message;
  const char* question;
  const char* button;
  // $1 is the message, or NULL; $2 says who did it. The first column is f where it was too late, or
  // the id of a new message.
  const char* sql;
};

// Returns the action of that name, if the role may do it; else nullptr.
const Action* find_action(std::string_view name, const Rights& rights);

}  // namespace coach_sms
