#include "pg/workers/utility_hooks.hpp"

#include "pg/base/extension.hpp"
#include "pg/base/statement.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

// DROP DATABASE waits five seconds for other sessions after the hook returns
// (CountOtherDBBackends); the sender gives its requests three seconds. If the DROP fails after all,
// the hold ends by itself. Both are milliseconds.
constexpr int kWaitForSender = 4000;
constexpr int kHoldForDrop = 60 * 1000;

object_access_hook_type earlier_object_access_hook;
ProcessUtility_hook_type earlier_process_utility_hook;

// Ends the sender. PostgreSQL calls it after it has checked the caller's right to drop the
// database.
void on_drop_database(Oid database) {
  SenderInfo known;
  if (!read_sender(database, &known)) return;
  detach_sender_from(database, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kHoldForDrop));
}

void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id,
                      void* argument) {
  if (earlier_object_access_hook != nullptr)
    earlier_object_access_hook(access, class_id, object_id, sub_id, argument);
  if (class_id == ExtensionRelationId && access == OAT_DROP) wake_sender_at_commit();
  if (class_id != DatabaseRelationId) return;
  if (access == OAT_DROP) on_drop_database(object_id);
  // A copy of a database that has the extension has it too.
  if (access == OAT_POST_CREATE) wake_launcher_at_commit();
}

// Returns the statement if it prepares a transaction or ends a prepared one, else nullptr.
const TransactionStmt* about_prepared(const PlannedStmt* statement) {
  if (!IsA(statement->utilityStmt, TransactionStmt)) return nullptr;
  const auto* found = reinterpret_cast<const TransactionStmt*>(statement->utilityStmt);
  const bool is_one = found->kind == TRANS_STMT_PREPARE ||
                      found->kind == TRANS_STMT_COMMIT_PREPARED ||
                      found->kind == TRANS_STMT_ROLLBACK_PREPARED;
  return is_one ? found : nullptr;
}

bool drops_us(const PlannedStmt* statement) {
  const auto* drop = reinterpret_cast<const DropStmt*>(statement->utilityStmt);
  if (!IsA(drop, DropStmt) || drop->removeType != OBJECT_EXTENSION) return false;
  ListCell* cell;
  foreach (cell, drop->objects)
    if (strcmp(strVal(lfirst(cell)), "coach_sms") == 0) return true;
  return false;
}

// Locks the extension in the mode that DROP uses, so that no other DROP removes the tables during
// the count. Returns false where the extension is gone.
bool lock_extension() {
  const Oid extension = get_extension_oid("coach_sms", true);
  if (!OidIsValid(extension)) return false;
  LockDatabaseObject(ExtensionRelationId, extension, 0, AccessExclusiveLock);
  ExtensionRow row;
  if (!read_extension(&row)) return false;
  use_schema(row.schema);
  return true;
}

// Warns a superuser of the opt-outs that DROP EXTENSION deletes. No person can restore consent.
void warn_of_opt_outs() {
  static Statement count{
      "SELECT pg_catalog.count(*) FROM @extschema@.sms_suppression"
      " UNION ALL SELECT pg_catalog.count(*) FROM @extschema@.sms_opt_outs",
      {}};
  if (!superuser()) return;  // DROP will refuse all others
  SPI_connect();
  if (lock_extension() && count.run() == 2) {
    const int64 entries = bigint_column(0, 1) + bigint_column(1, 1);
    if (entries > 0)
      ereport(WARNING,
              (errmsg("dropping coach_sms deletes opt-outs: %ld", static_cast<long>(entries)),
               errhint("ROLLBACK if they are not kept elsewhere; \\copy (SELECT * FROM "
                       "sms_export_opt_outs()) TO 'opt-outs.csv' CSV, then drop it again.")));
  }
  SPI_finish();
}

void on_process_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                        ProcessUtilityContext context, ParamListInfo parameters,
                        QueryEnvironment* environment, DestReceiver* receiver,
                        QueryCompletion* completion) {
  const TransactionStmt* prepared = about_prepared(statement);
  const uint64 name = prepared != nullptr ? hash_of_gid(prepared->gid) : 0;
  const bool prepares = prepared != nullptr && prepared->kind == TRANS_STMT_PREPARE;
  const bool commits = prepared != nullptr && prepared->kind == TRANS_STMT_COMMIT_PREPARED;
  if (prepares) wake_before_prepare(name);
  if (drops_us(statement)) warn_of_opt_outs();
  const ProcessUtility_hook_type next = earlier_process_utility_hook != nullptr
                                            ? earlier_process_utility_hook
                                            : standard_ProcessUtility;
  next(statement, query, read_only_tree, context, parameters, environment, receiver, completion);
  if (prepared != nullptr && !prepares) wake_after_end_of_prepared(name, commits);
}

}  // namespace

bool detach_sender_from(Oid database, TimestampTz until) {
  hold_sender(database, until);
  return wait_for_sender_end(database, kWaitForSender);
}

void install_hooks() {
  earlier_object_access_hook = object_access_hook;
  object_access_hook = on_object_access;
  earlier_process_utility_hook = ProcessUtility_hook;
  ProcessUtility_hook = on_process_utility;
}

}  // namespace coach_sms
