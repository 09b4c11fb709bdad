#include "pg/base/plans.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

// The statistics that the planner gets for each table of a full size: rows, and pages of 8 kB.
constexpr double kRows = 1e7;
constexpr BlockNumber kPages = 1000 * 1000;
constexpr BlockNumber kIndexPages = 50 * 1000;
constexpr int kIndexHeight = 3;

// The options that PostgreSQL's planner does not get. For tables of this size it would plan
// parallel workers wherever CURSOR_OPT_PARALLEL_OK allows them.
constexpr int kNotForUs = kPlanForFullTables | CURSOR_OPT_PARALLEL_OK;

planner_hook_type earlier_planner_hook;
get_relation_info_hook_type earlier_info_hook;
get_relation_stats_hook_type earlier_stats_hook;

bool full_tables;    // the setting kFullTables
bool planning_ours;  // on_plan() sets it anew for each plan, also after a plan that raised an error

PlannedStmt* plan(Query* query, const char* text, int options, ParamListInfo parameters) {
  return earlier_planner_hook != nullptr ? earlier_planner_hook(query, text, options, parameters)
                                         : standard_planner(query, text, options, parameters);
}

// Returns whether the query reads or writes, at any depth, a table that is not the extension's.
bool reads_others(Node* node, void* extension) {
  if (node == nullptr) return false;
  if (IsA(node, RangeTblEntry)) {
    const auto* table = reinterpret_cast<RangeTblEntry*>(node);
    return table->rtekind == RTE_RELATION &&
           getExtensionOfObject(RelationRelationId, table->relid) != *static_cast<Oid*>(extension);
  }
  if (IsA(node, Query))
    return query_tree_walker(reinterpret_cast<Query*>(node), for_walker(reads_others), extension,
                             QTW_EXAMINE_RTES_BEFORE);
  return expression_tree_walker(node, for_walker(reads_others), extension);
}

bool is_ours(Query* query) {
  Oid extension = get_extension_oid("coach_sms", true);
  return extension != InvalidOid && !reads_others(reinterpret_cast<Node*>(query), &extension);
}

void switch_off(const char* setting) {
  set_config_option(setting, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

// Makes the plan with sequential and bitmap scans off. The settings hold while this plan is made,
// not while its statement runs. Where only a sequential scan can answer, PostgreSQL still chooses
// it (manual, section 20.7.1).
PlannedStmt* plan_ours(Query* query, const char* text, int options, ParamListInfo parameters) {
  const int level = NewGUCNestLevel();
  switch_off("enable_seqscan");
  switch_off("enable_bitmapscan");  // a bitmap scan has no order: all waiting rows would be sorted
  switch_off("jit");                // the cost of so many rows would start it
  PlannedStmt* made = plan(query, text, options & ~kNotForUs, parameters);
  AtEOXact_GUC(true, level);
  return made;
}

PlannedStmt* on_plan(Query* query, const char* text, int options, ParamListInfo parameters) {
  const bool outer = planning_ours;
  planning_ours = (options & kPlanForFullTables) != 0 || (full_tables && is_ours(query));
  PlannedStmt* made = planning_ours ? plan_ours(query, text, options, parameters)
                                    : plan(query, text, options, parameters);
  planning_ours = outer;
  return made;
}

void on_relation_info(PlannerInfo* root, Oid relation, bool is_parent, RelOptInfo* info) {
  if (earlier_info_hook != nullptr) earlier_info_hook(root, relation, is_parent, info);
  if (!planning_ours) return;
  info->tuples = kRows;
  info->pages = kPages;
  info->allvisfrac = 0;
  ListCell* cell;
  foreach (cell, info->indexlist) {
    auto* index = static_cast<IndexOptInfo*>(lfirst(cell));
    index->tuples = kRows;
    index->pages = kIndexPages;
    index->tree_height = kIndexHeight;
  }
}

// Returns true to answer the planner without statistics, so that it uses its defaults.
bool on_relation_stats(PlannerInfo* root, RangeTblEntry* table, AttrNumber column,
                       VariableStatData* stats) {
  if (planning_ours) return true;
  return earlier_stats_hook != nullptr && earlier_stats_hook(root, table, column, stats);
}

}  // namespace

void install_planner_hooks() {
  DefineCustomBoolVariable(
      kFullTables, "Internal: plans read tables by index, whatever the statistics say.", nullptr,
      &full_tables, false, PGC_USERSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
      nullptr, nullptr, nullptr);
  earlier_planner_hook = planner_hook;
  planner_hook = on_plan;
  earlier_info_hook = get_relation_info_hook;
  get_relation_info_hook = on_relation_info;
  earlier_stats_hook = get_relation_stats_hook;
  get_relation_stats_hook = on_relation_stats;
}

}  // namespace coach_sms
