#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The security context to return to. A switch does what SECURITY DEFINER with a pinned search_path
// does. It serves functions that must know their caller first, and a trigger function that needs it
// for some rows only. For the rows of sms_enqueue(), SECURITY DEFINER would cost a third of the
// work. After an error the end of the (sub)transaction restores everything, as in PostgreSQL's
// foreign key triggers (ri_triggers.c).
struct SecurityContext {
  Oid user;
  int context;
  int settings_level;
};

// Switches to the role, with search_path pg_catalog, pg_temp. Returns the caller's context, for
// restore_context().
SecurityContext switch_to_owner_of(Relation relation);
SecurityContext switch_to(Oid role);
// Restores the role, and every setting that changed since the switch.
void restore_context(const SecurityContext& caller);

// Begins a new level of settings in which no plan is printed, and returns it. AtEOXact_GUC(false,
// level) ends it. Any role may set debug_print_plan and client_min_messages, and a plan contains
// the values that it was made for, such as the orgs of others.
int hide_plans();

// Returns the OID of coach_sms_owner. Raises an error where the role does not exist.
Oid owner_role();

}  // namespace coach_sms
