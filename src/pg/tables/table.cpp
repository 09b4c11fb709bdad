#include "pg/tables/table.hpp"

#include "pg/base/extension.hpp"
#include "pg/tables/table_parts.hpp"

namespace coach_sms {

namespace {

// The definitions that were used in this session, for the callbacks.
TableDefinition* definitions;

void at_relation_change(Datum, Oid relation) {
  for (TableDefinition* one = definitions; one != nullptr; one = one->next)
    if (relation == InvalidOid || relation == one->table) ++one->changes;
}

// A default or a constraint may contain a function's body, or the checks of a domain.
void at_expression_change(Datum, int, uint32) {
  at_relation_change(Datum{0}, InvalidOid);
}

void list(TableDefinition* definition) {
  if (definition->is_listed) return;
  definition->is_listed = true;
  definition->next = definitions;
  definitions = definition;
}

// Opens the table of that name. Its OID is kept: it differs only after DROP EXTENSION.
Relation open_relation(TableDefinition* definition, LOCKMODE mode) {
  list(definition);
  const Oid schema =
      definition->is_internal ? internal_schema_beside(current_schema()) : current_schema();
  if (definition->table != InvalidOid && definition->schema == schema) {
    Relation relation = try_table_open(definition->table, mode);
    if (relation != nullptr) return relation;
  }
  definition->table = get_relname_relid(definition->name, schema);
  definition->schema = schema;
  if (definition->table == InvalidOid)
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("table %s of coach_sms is missing", definition->name),
                    errhint("DROP EXTENSION and CREATE EXTENSION make it anew.")));
  return table_open(definition->table, mode);
}

// Takes the kept parts, or makes them. They belong to the (sub)transaction from now on.
TableParts* take_parts(TableDefinition* definition, Relation relation) {
  TableParts* parts = definition->parts;
  definition->parts = nullptr;
  if (parts == nullptr) return make_parts(*definition, relation);
  MemoryContextSetParent(parts->context, CurTransactionContext);
  if (parts->table == definition->table && parts->changes == definition->changes) return parts;
  MemoryContextDelete(parts->context);
  return make_parts(*definition, relation);
}

// Keeps the parts for the next use, unless a nested use has kept its own meanwhile.
void keep_parts(TableDefinition* definition, TableParts* parts) {
  if (definition->parts != nullptr || parts->changes != definition->changes)
    return MemoryContextDelete(parts->context);
  MemoryContextSetParent(parts->context, CacheMemoryContext);
  definition->parts = parts;
}

void open_indexes(TableParts* parts) {
  for (int i = 0; i < parts->index_count; ++i) {
    Relation index = index_open(parts->indexes[i].oid, RowExclusiveLock);
    parts->indexes[i].relation = index;
    parts->result->ri_IndexRelationDescs[i] = index;
    // CREATE INDEX CONCURRENTLY changes it without a change of the table.
    parts->result->ri_IndexRelationInfo[i]->ii_ReadyForInserts = index->rd_index->indisready;
  }
}

void close_indexes(TableParts* parts) {
  for (int i = 0; i < parts->index_count; ++i) {
    IndexPart& index = parts->indexes[i];
    end_idle(&index.idle);
    if (index.relation != nullptr) index_close(index.relation, NoLock);
    index.relation = nullptr;
  }
}

void raise_serialization_failure() {
  ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                  errmsg("could not serialize access due to concurrent update")));
}

}  // namespace

void define_tables() {
  CacheRegisterRelcacheCallback(at_relation_change, Datum{0});
  for (int cache : {PROCOID, TYPEOID, CONSTROID, OPEROID})
    CacheRegisterSyscacheCallback(cache, at_expression_change, Datum{0});
}

// --- commands -----------------------------------------------------------------------------------

void Command::begin() {
  CommandCounterIncrement();
  PushActiveSnapshot(GetTransactionSnapshot());
  AfterTriggerBeginQuery();
  has_triggers_ = false;
}

void Command::end() {
  EState* estate = has_triggers_ ? CreateExecutorState() : nullptr;
  AfterTriggerEndQuery(estate);  // needs no state where nothing is queued
  if (estate != nullptr) {
    ExecCloseResultRelations(estate);
    ExecResetTupleTable(estate->es_tupleTable, false);
    FreeExecutorState(estate);
  }
  PopActiveSnapshot();
  CommandCounterIncrement();
}

// --- tables -------------------------------------------------------------------------------------

void Table::open(TableDefinition* definition, TableUse use, Command* command) {
  const bool writes = use == TableUse::kWrite;
  if (writes) PreventCommandIfReadOnly("INSERT, UPDATE or DELETE");
  definition_ = definition;
  use_ = use;
  command_ = command;
  relation_ = open_relation(definition, writes ? RowExclusiveLock : AccessShareLock);
  parts_ = take_parts(definition, relation_);
  if (!writes) return;
  parts_->result->ri_RelationDesc = relation_;
  parts_->estate->es_snapshot = GetActiveSnapshot();
  parts_->estate->es_output_cid = GetCurrentCommandId(true);
  open_indexes(parts_);
}

void Table::close() {
  if (use_ == TableUse::kWrite) {
    ExecClearTuple(parts_->written);
    ExecClearTuple(parts_->result->ri_TrigOldSlot);
    ExecClearTuple(parts_->result->ri_TrigNewSlot);
    ResetPerTupleExprContext(parts_->estate);
  }
  close_indexes(parts_);
  table_close(relation_, NoLock);
  keep_parts(definition_, parts_);
}

TupleTableSlot* Table::make_slot() const {
  return MakeSingleTupleTableSlot(parts_->written->tts_tupleDescriptor,
                                  table_slot_callbacks(relation_));
}

void Table::begin_row() {
  TupleTableSlot* slot = parts_->written;
  ExecClearTuple(slot);
  ResetPerTupleExprContext(parts_->estate);  // stored() needed it until now
  const int columns = slot->tts_tupleDescriptor->natts;
  for (int i = 0; i < columns; ++i) {
    slot->tts_isnull[i] = true;
    parts_->is_set[i] = false;
  }
}

void Table::begin_change(const Row& row) {
  begin_row();
  old_ = row.slot;
  slot_getallattrs(old_);
  TupleTableSlot* slot = parts_->written;
  const int columns = slot->tts_tupleDescriptor->natts;
  for (int i = 0; i < columns; ++i) {
    slot->tts_values[i] = old_->tts_values[i];
    slot->tts_isnull[i] = old_->tts_isnull[i];
  }
}

void Table::set(int column, const Parameter& value) {
  const int at = parts_->attributes[column] - 1;
  parts_->written->tts_values[at] = value.value;
  parts_->written->tts_isnull[at] = value.is_null;
  parts_->is_set[at] = true;
}

void Table::fill_defaults() {
  TupleTableSlot* slot = parts_->written;
  ExprContext* context = GetPerTupleExprContext(parts_->estate);
  const int columns = slot->tts_tupleDescriptor->natts;
  for (int i = 0; i < columns; ++i)
    if (!parts_->is_set[i] && parts_->defaults[i] != nullptr)
      slot->tts_values[i] =
          ExecEvalExprSwitchContext(parts_->defaults[i], context, &slot->tts_isnull[i]);
  ExecStoreVirtualTuple(slot);
}

void Table::finish(CmdType command) {
  command_->has_triggers_ |= parts_->has_triggers[command];
  if (command == CMD_UPDATE) set_updated_columns(parts_->estate, nullptr);  // its memory goes soon
}

// Says which columns the change sets: for triggers, and for keys in the lock's mode.
void Table::note_updated_columns() {
  MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(parts_->estate));
  Bitmapset* updated = nullptr;
  for (int i = 0; i < definition_->count; ++i)
    if (parts_->is_set[parts_->attributes[i] - 1])
      updated = bms_add_member(updated, parts_->attributes[i] - FirstLowInvalidHeapAttributeNumber);
  set_updated_columns(parts_->estate, updated);
  MemoryContextSwitchTo(caller);
}

bool Table::change() {
  if (parts_->needs_statement[CMD_UPDATE])
    return write_by_statement(*definition_, parts_, CMD_UPDATE, &old_->tts_tid, "");
  TupleTableSlot* slot = parts_->written;
  ExecStoreVirtualTuple(slot);
  ItemPointerSetInvalid(&slot->tts_tid);
  note_updated_columns();
  ExecSimpleRelationUpdate(parts_->result, parts_->estate, &parts_->recheck, old_, slot);
  finish(CMD_UPDATE);
  return ItemPointerIsValid(&slot->tts_tid);
}

void Table::update() {
  if (change()) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
       errmsg("a trigger on %s has skipped a change", definition_->name),
       errdetail("coach_sms changes a row only together with others."),
       errhint("Let a BEFORE UPDATE trigger return the row. Row security that is forced must let "
               "the owner change it.")));
}

// --- rows that others may have locked -----------------------------------------------------------

Table::Lock Table::lock_of(TM_Result result) const {
  switch (result) {
    case TM_Ok:
      return Lock::kTaken;
    case TM_Updated:
      if (IsolationUsesXactSnapshot()) raise_serialization_failure();
      return Lock::kBusy;
    case TM_Deleted:
      if (IsolationUsesXactSnapshot()) raise_serialization_failure();
      return Lock::kGone;
    default:
      return Lock::kBusy;  // locked, or changed by a trigger of this command
  }
}

Table::Lock Table::lock(Row* row, LockTupleMode mode) {
  TM_FailureData failure;
  ItemPointerData place = row->slot->tts_tid;
  const uint8 flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
  return lock_of(table_tuple_lock(relation_, &place, GetActiveSnapshot(), row->slot,
                                  GetCurrentCommandId(false), mode, LockWaitSkip, flags, &failure));
}

Table::Lock Table::remove_at_once(const Row& row) {
  TM_FailureData failure;
  CheckCmdReplicaIdentity(relation_, CMD_DELETE);
  return lock_of(table_tuple_delete(relation_, &row.slot->tts_tid, GetCurrentCommandId(true),
                                    GetActiveSnapshot(), InvalidSnapshot, false, &failure, false));
}

Table::Lock Table::remove(const Row& row) {
  const TriggerDesc* triggers = parts_->result->ri_TrigDesc;
  const bool has_triggers =
      triggers != nullptr && (triggers->trig_delete_before_row || triggers->trig_delete_after_row);
  if (!parts_->needs_statement[CMD_DELETE] && !has_triggers) return remove_at_once(row);
  Row locked = row;
  const ItemPointerData seen = row.slot->tts_tid;
  const Lock lock = this->lock(&locked, LockTupleExclusive);
  if (lock != Lock::kTaken) return lock;
  if (memcmp(&seen, &locked.slot->tts_tid, sizeof seen) != 0)
    return Lock::kBusy;  // a newer version
  if (parts_->needs_statement[CMD_DELETE]) {
    write_by_statement(*definition_, parts_, CMD_DELETE, &locked.slot->tts_tid, "");
  } else {
    ExecSimpleRelationDelete(parts_->result, parts_->estate, &parts_->recheck, locked.slot);
    finish(CMD_DELETE);
  }
  return Lock::kTaken;
}

// --- a key that may be taken --------------------------------------------------------------------

// Returns the OIDs of the unique indexes on exactly these columns, as ON CONFLICT would infer them.
List* Table::find_arbiters(std::initializer_list<int> columns) const {
  List* arbiters = NIL;
  const int count = static_cast<int>(columns.size());
  for (int i = 0; i < parts_->index_count; ++i) {
    const IndexPart& index = parts_->indexes[i];
    bool fits = index.is_arbiter && index.relation->rd_index->indisvalid &&
                index.key_count == count && index.keys_needed <= count;
    int key = 0;
    for (int column : columns)
      fits = fits && index.keys[key++] == parts_->attributes[column];
    if (fits) arbiters = lappend_oid(arbiters, index.oid);
  }
  if (arbiters == NIL)
    ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
                    errmsg("%s has no valid unique index on its key", definition_->name),
                    errhint("REINDEX mends an index that is not valid. The install script has the "
                            "definition of a missing one.")));
  return arbiters;
}

// Raises a serialization failure if the transaction's snapshot does not see the row at this place,
// as ON CONFLICT DO NOTHING does (ExecCheckTupleVisible() in nodeModifyTable.c).
void Table::require_visible(ItemPointer place) {
  if (!IsolationUsesXactSnapshot()) return;
  TupleTableSlot* slot = parts_->result->ri_TrigOldSlot;
  if (!table_tuple_fetch_row_version(relation_, place, SnapshotAny, slot))
    elog(ERROR, "could not fetch a row of %s with the same key", definition_->name);
  bool is_null;
  const Datum inserted_by = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null);
  if (!table_tuple_satisfies_snapshot(relation_, slot, GetActiveSnapshot()) &&
      !TransactionIdIsCurrentTransactionId(DatumGetTransactionId(inserted_by)))
    raise_serialization_failure();
  ExecClearTuple(slot);
}

// Inserts the row as INSERT ... ON CONFLICT DO NOTHING does (ExecInsert() in nodeModifyTable.c).
bool Table::insert_speculatively(List* arbiters) {
  ResultRelInfo* result = parts_->result;
  TupleTableSlot* slot = parts_->written;
  EState* estate = parts_->estate;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    ItemPointerData place;
    if (!has_no_conflict(result, slot, estate, arbiters, &place)) {
      require_visible(&place);
      return false;
    }
    const uint32 token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
    bool conflict = false;
    table_tuple_insert_speculative(relation_, slot, estate->es_output_cid, 0, nullptr, token);
    List* recheck = insert_speculative_entries(result, slot, estate, &conflict, arbiters);
    table_tuple_complete_speculative(relation_, slot, token, !conflict);
    SpeculativeInsertionLockRelease(GetCurrentTransactionId());
    if (conflict) continue;
    ExecARInsertTriggers(estate, result, slot, recheck, nullptr);
    return true;
  }
}

bool Table::insert() {
  if (parts_->needs_statement[CMD_INSERT])
    return write_by_statement(*definition_, parts_, CMD_INSERT, nullptr, "");
  fill_defaults();
  const bool stored = prepare_insert();
  if (stored) {
    simple_table_tuple_insert(relation_, parts_->written);
    List* recheck = insert_index_entries(parts_->result, parts_->written, parts_->estate);
    ExecARInsertTriggers(parts_->estate, parts_->result, parts_->written, recheck, nullptr);
  }
  finish(CMD_INSERT);
  return stored;
}

// Runs what comes before an INSERT: triggers, generated columns, checks. Returns false where a
// trigger has skipped the row.
bool Table::prepare_insert() {
  ResultRelInfo* result = parts_->result;
  TupleTableSlot* slot = parts_->written;
  const TriggerDesc* triggers = result->ri_TrigDesc;
  if (triggers != nullptr && triggers->trig_insert_before_row &&
      !ExecBRInsertTriggers(parts_->estate, result, slot))
    return false;
  const TupleConstr* constraints = RelationGetDescr(relation_)->constr;
  if (constraints == nullptr) return true;
  if (constraints->has_generated_stored)
    ExecComputeStoredGenerated(result, parts_->estate, slot, CMD_INSERT);
  ExecConstraints(result, slot, parts_->estate);
  return true;
}

bool Table::insert_unless_taken(std::initializer_list<int> columns, const char* target) {
  if (parts_->needs_statement[CMD_INSERT])
    return write_by_statement(*definition_, parts_, CMD_INSERT, nullptr,
                              psprintf("ON CONFLICT %s DO NOTHING", target));
  fill_defaults();
  const bool stored = prepare_insert() && insert_speculatively(find_arbiters(columns));
  finish(CMD_INSERT);
  return stored;
}

}  // namespace coach_sms
