#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// What SECURITY DEFINER with a pinned search_path does, for functions that must know their caller
// first, and for a trigger function that needs it only for some rows: for those that sms_enqueue()
// stores it would be a third of the work. As in PostgreSQL's own foreign key triggers, an error
// puts everything back with its (sub)transaction.
struct SecurityContext {
  Oid user;
  int context;
  int settings_level;
};

SecurityContext switch_to_owner_of(Relation relation);
SecurityContext switch_to(Oid role);
// Settings go back to what they were too, whoever changed them meanwhile.
void restore_context(const SecurityContext& caller);

// A new level of settings (NewGUCNestLevel(); AtEOXact_GUC(false, level) ends it) in which no plan
// is printed: anybody may set debug_print_plan and client_min_messages, and plans contain the
// values that they were made for, such as the orgs of others.
int hide_plans();

// coach_sms_owner.
Oid owner_role();

}  // namespace coach_sms
