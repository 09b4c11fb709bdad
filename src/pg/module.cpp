#include "pg/base/failpoint.hpp"
#include "pg/base/plans.hpp"
#include "pg/enqueue/enqueue.hpp"
#include "pg/facts/facts.hpp"
#include "pg/settings.hpp"
#include "pg/shared/shared_state.hpp"
#include "pg/tables/table.hpp"
#include "pg/workers/launcher.hpp"
#include "pg/workers/utility_hooks.hpp"

#include "pg/base/pg_api.hpp"

extern "C" {

COACH_SMS_MODULE_MAGIC(COACH_SMS_VERSION);

PGDLLEXPORT void _PG_init(void);

// Defines the settings and the planner's hooks; all else needs shared_preload_libraries. Without it
// SQL works, messages wait, and sms_doctor() reports it. During pg_upgrade the launcher must not
// run.
void _PG_init(void) {
  using namespace coach_sms;
  define_failpoints();
  install_planner_hooks();
  settings::define();
  define_tables();
  define_facts();
  define_enqueue();
  if (!process_shared_preload_libraries_in_progress) return;
  shared_state_request();
  install_hooks();
  if (!IsBinaryUpgrade) register_launcher();
}
}
