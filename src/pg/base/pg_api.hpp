#pragma once

// The only file that includes PostgreSQL's headers (15 to 18), and the only one that knows how
// their versions differ. Include it last, after core headers and standard headers. postgres.h
// redefines snprintf and its family, and a later <cstdio> would undo that.

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// clang-format off: postgres.h comes first, the rest is sorted
extern "C" {
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/parallel.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "common/file_perm.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_relation.h"
#include "pgstat.h"
#include "pgtime.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "postmaster/postmaster.h"
#include "replication/logicalworker.h"
#include "rewrite/rewriteHandler.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/portal.h"
#include "utils/ps_status.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/selfuncs.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"
}
// clang-format on

// Undefines macros with names that C++ code uses. No macro of the headers above needs them.
#undef Abs
#undef Max
#undef Min
#undef _
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef bind
#undef connect

#if PG_VERSION_NUM < 150000
#error "coach_sms needs PostgreSQL 15 or newer"
#endif

namespace coach_sms {

// Gives the setting a new value within its check hook. Returns false when memory is short.
inline bool replace_setting(char** value, const char* text) {
  if (strcmp(*value, text) == 0) return true;
#if PG_VERSION_NUM >= 160000
  char* copy = guc_strdup(LOG, text);
  if (copy == nullptr) return false;
  guc_free(*value);
#else
  char* copy = strdup(text);
  if (copy == nullptr) return false;
  free(*value);
#endif
  *value = copy;
  return true;
}

// Returns an event set that lives until FreeWaitEventSet(). No resource owner (17 and later) and no
// shorter memory context (before 17) frees it.
inline WaitEventSet* create_wait_event_set(int events) {
#if PG_VERSION_NUM >= 170000
  return CreateWaitEventSet(nullptr, events);
#else
  return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

// Returns the number of this process's PGPROC, for wake_proc().
inline int my_proc_number() {
#if PG_VERSION_NUM >= 170000
  return MyProcNumber;
#else
  return MyProc->pgprocno;
#endif
}

// Sets the latch of the PGPROC with that number. The caller holds a lock under which the number
// still belongs to the intended process. A latch set in vain costs one wake-up.
inline void wake_proc(int proc_number) {
  SetLatch(&ProcGlobal->allProcs[proc_number].procLatch);
}

// Checks the call of a set-returning function and makes the tuplestore for its rows.
inline ReturnSetInfo* init_materialized_srf(FunctionCallInfo fcinfo) {
  InitMaterializedSRF(fcinfo, 0);
  return reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
}

// Returns whether a DROP of the database was interrupted. Later minor releases of PostgreSQL 15 and
// all newer versions mark it by connection limit -2.
inline bool database_is_broken(Form_pg_database database) {
  return database->datconnlimit == -2;
}

// Returns whether the current user owns the database. A superuser owns all.
inline bool owns_database(Oid database) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
  return pg_database_ownercheck(database, GetUserId());
#endif
}

// Returns whether the role may execute the function.
inline bool may_execute(Oid function, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
  return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// Converts a walker to the type that PostgreSQL's tree walkers take. Before 16 that type declares
// no arguments.
using TreeWalker = bool (*)(Node*, void*);
#if PG_VERSION_NUM >= 160000
inline tree_walker_callback for_walker(TreeWalker walker) {
  return walker;
}
#else
inline auto for_walker(TreeWalker walker) {
  return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
#endif

// --- writing without a plan (pg/tables) ---------------------------------------------------------

// Gives the executor's state the range table entry of one table, as logical replication does.
inline void init_range_table(EState* estate, Relation table) {
  auto* entry = makeNode(RangeTblEntry);
  entry->rtekind = RTE_RELATION;
  entry->relid = RelationGetRelid(table);
  entry->relkind = table->rd_rel->relkind;
  entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
  List* permissions = NIL;
  addRTEPermissionInfo(&permissions, entry);
#endif
#if PG_VERSION_NUM >= 180000
  ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
  ExecInitRangeTable(estate, list_make1(entry), permissions);
#else
  ExecInitRangeTable(estate, list_make1(entry));
#endif
}

// Notes which columns an UPDATE sets, as attribute numbers less FirstLowInvalidHeapAttributeNumber.
inline void set_updated_columns(EState* estate, Bitmapset* columns) {
#if PG_VERSION_NUM >= 160000
  auto* permissions = static_cast<RTEPermissionInfo*>(linitial(estate->es_rteperminfos));
  permissions->updatedCols = columns;
#else
  auto* entry = static_cast<RangeTblEntry*>(linitial(estate->es_range_table));
  entry->updatedCols = columns;
#endif
}

// Prepares the recheck of a row that a BEFORE trigger finds changed, without a plan.
inline void init_recheck(EPQState* recheck, EState* estate) {
#if PG_VERSION_NUM >= 160000
  EvalPlanQualInit(recheck, estate, nullptr, NIL, -1, NIL);
#else
  EvalPlanQualInit(recheck, estate, nullptr, NIL, -1);
#endif
}

// Returns whether no other row conflicts with the row in these unique indexes; otherwise gives the
// place of one that does. Waits for transactions that are inserting such a row.
inline bool has_no_conflict(ResultRelInfo* result, TupleTableSlot* slot, EState* estate,
                            List* arbiters, ItemPointer conflict) {
#if PG_VERSION_NUM >= 180000
  ItemPointerData none;
  ItemPointerSetInvalid(&none);
  return ExecCheckIndexConstraints(result, slot, estate, conflict, &none, arbiters);
#else
  return ExecCheckIndexConstraints(result, slot, estate, conflict, arbiters);
#endif
}

// Inserts the index entries of a new row. Returns the deferrable unique indexes to check later.
inline List* insert_index_entries(ResultRelInfo* result, TupleTableSlot* slot, EState* estate) {
  if (result->ri_NumIndices == 0) return NIL;
#if PG_VERSION_NUM >= 160000
  return ExecInsertIndexTuples(result, slot, estate, false, false, nullptr, NIL, false);
#else
  return ExecInsertIndexTuples(result, slot, estate, false, false, nullptr, NIL);
#endif
}

// Does the same for a row that was inserted speculatively.
inline List* insert_speculative_entries(ResultRelInfo* result, TupleTableSlot* slot, EState* estate,
                                        bool* conflict, List* arbiters) {
#if PG_VERSION_NUM >= 160000
  return ExecInsertIndexTuples(result, slot, estate, false, true, conflict, arbiters, false);
#else
  return ExecInsertIndexTuples(result, slot, estate, false, true, conflict, arbiters);
#endif
}

// Begins a scan of the index, for rows of the table.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
  return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

}  // namespace coach_sms

// The module's magic block. From 18 on, pg_get_loaded_modules() shows its name and version.
#if PG_VERSION_NUM >= 180000
#define COACH_SMS_MODULE_MAGIC(version_) \
  PG_MODULE_MAGIC_EXT(.name = "coach_sms", .version = version_)
#else
#define COACH_SMS_MODULE_MAGIC(version_) PG_MODULE_MAGIC
#endif
