#include "pg/owner_rights.hpp"

namespace coach_sms {

CallerRights act_as_owner_of(Relation relation) {
  CallerRights caller;
  GetUserIdAndSecContext(&caller.user, &caller.context);
  caller.settings_level = NewGUCNestLevel();
  SetUserIdAndSecContext(relation->rd_rel->relowner, caller.context | SECURITY_LOCAL_USERID_CHANGE);
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  return caller;
}

void act_as_caller_again(const CallerRights& caller) {
  AtEOXact_GUC(false, caller.settings_level);
  SetUserIdAndSecContext(caller.user, caller.context);
}

}  // namespace coach_sms
