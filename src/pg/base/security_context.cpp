#include "pg/base/security_context.hpp"

namespace coach_sms {

SecurityContext switch_to_owner_of(Relation relation) {
  return switch_to(relation->rd_rel->relowner);
}

SecurityContext switch_to(Oid role) {
  SecurityContext caller;
  GetUserIdAndSecContext(&caller.user, &caller.context);
  caller.settings_level = hide_plans();
  SetUserIdAndSecContext(role, caller.context | SECURITY_LOCAL_USERID_CHANGE);
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  return caller;
}

void restore_context(const SecurityContext& caller) {
  AtEOXact_GUC(false, caller.settings_level);
  SetUserIdAndSecContext(caller.user, caller.context);
}

int hide_plans() {
  const int level = NewGUCNestLevel();
  const struct {
    const char* name;
    bool is_on;
  } settings[] = {{"debug_print_parse", Debug_print_parse},
                  {"debug_print_rewritten", Debug_print_rewritten},
                  {"debug_print_plan", Debug_print_plan}};
  for (const auto& setting : settings)
    if (setting.is_on)
      set_config_option(setting.name, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                        false);
  return level;
}

Oid owner_role() {
  return get_role_oid("coach_sms_owner", false);
}

}  // namespace coach_sms
