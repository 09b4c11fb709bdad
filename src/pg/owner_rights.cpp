#include "pg/owner_rights.hpp"

namespace coach_sms {

CallerRights act_as_owner_of(Relation relation) {
  return act_as(relation->rd_rel->relowner);
}

CallerRights act_as(Oid role) {
  CallerRights caller;
  GetUserIdAndSecContext(&caller.user, &caller.context);
  caller.settings_level = NewGUCNestLevel();
  SetUserIdAndSecContext(role, caller.context | SECURITY_LOCAL_USERID_CHANGE);
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  return caller;
}

void act_as_caller_again(const CallerRights& caller) {
  AtEOXact_GUC(false, caller.settings_level);
  SetUserIdAndSecContext(caller.user, caller.context);
}

Oid owner_role() {
  return get_role_oid("coach_sms_owner", false);
}

}  // namespace coach_sms
