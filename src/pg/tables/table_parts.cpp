#include "pg/tables/table_parts.hpp"

namespace coach_sms {

namespace {

AttrNumber attribute_of(TupleDesc columns, const char* name) {
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(columns, i);
    if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0) return column->attnum;
  }
  return InvalidAttrNumber;
}

void find_columns(const TableDefinition& definition, Relation table, TableParts* parts) {
  TupleDesc columns = RelationGetDescr(table);
  for (int i = 0; i < definition.count; ++i) {
    const Column& wanted = definition.columns[i];
    const AttrNumber attribute = attribute_of(columns, wanted.name);
    if (attribute == InvalidAttrNumber)
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("column \"%s\" of %s is missing", wanted.name, definition.name)));
    Form_pg_attribute column = TupleDescAttr(columns, attribute - 1);
    parts->attributes[i] = attribute;
    if (column->atttypid != wanted.type || column->atttypmod != -1) parts->needs_cast = true;
    if (!IsBinaryCoercible(column->atttypid, wanted.type))
      parts->unreadable = psprintf("column \"%s\" has another type", wanted.name);
  }
  if (table->rd_rel->relkind != RELKIND_RELATION)
    parts->unreadable = "it is no plain table";
  else if (table->rd_rel->relhassubclass &&
           find_inheritance_children(RelationGetRelid(table), NoLock) != NIL)
    parts->unreadable = "other tables inherit from it";
}

// --- indexes ------------------------------------------------------------------------------------

// Returns how many leading keys must have a condition, and so are not NULL, to imply the predicate.
int keys_needed(Relation index, const IndexPart& part) {
  List* predicate = RelationGetIndexPredicate(index);
  List* not_null = NIL;
  for (int i = 0; i <= part.key_count; ++i) {
    if (predicate == NIL || predicate_implied_by(predicate, not_null, false)) return i;
    if (i == part.key_count || part.keys[i] == 0) break;
    auto* test = makeNode(NullTest);
    Form_pg_attribute key = TupleDescAttr(RelationGetDescr(index), i);
    test->arg = reinterpret_cast<Expr*>(
        makeVar(1, part.keys[i], key->atttypid, key->atttypmod, key->attcollation, 0));
    test->nulltesttype = IS_NOT_NULL;
    test->location = -1;
    not_null = lappend(not_null, test);
  }
  return part.key_count + 1;
}

IndexPart part_of(Relation table, Relation index) {
  IndexPart part{};
  Form_pg_index form = index->rd_index;
  part.oid = RelationGetRelid(index);
  part.key_count = form->indnkeyatts;
  for (int i = 0; i < part.key_count; ++i)
    part.keys[i] = form->indkey.values[i];
  bool is_usable = form->indisvalid && form->indisready && index->rd_rel->relam == BTREE_AM_OID;
  for (int i = 0; i < part.key_count; ++i)  // ascending, NULLs last, with the column's collation
    is_usable = is_usable && index->rd_indoption[i] == 0 && part.keys[i] != 0 &&
                index->rd_indcollation[i] ==
                    TupleDescAttr(RelationGetDescr(table), part.keys[i] - 1)->attcollation;
  part.keys_needed = is_usable ? keys_needed(index, part) : part.key_count + 1;
  part.is_arbiter = is_usable && form->indisunique && form->indimmediate;
  return part;
}

// Opens the indexes as an INSERT does, notes their parts, and closes them again: each use of the
// table opens them anew. An index of another kind than B-tree may keep open what the row's insert
// needed (aminsertcleanup), so it needs a statement.
void make_indexes(Relation table, TableParts* parts) {
  ExecOpenIndices(parts->result, true);
  parts->index_count = parts->result->ri_NumIndices;
  parts->indexes = static_cast<IndexPart*>(
      palloc(sizeof(IndexPart) * static_cast<Size>(parts->index_count + 1)));
  for (int i = 0; i < parts->index_count; ++i) {
    Relation index = parts->result->ri_IndexRelationDescs[i];
    parts->indexes[i] = part_of(table, index);
    if (index->rd_rel->relam != BTREE_AM_OID)
      parts->needs_statement[CMD_INSERT] = parts->needs_statement[CMD_UPDATE] = true;
    index_close(index, NoLock);
  }
}

// --- writing ------------------------------------------------------------------------------------

bool has_statement_triggers(const TriggerDesc& triggers, CmdType command) {
  switch (command) {
    case CMD_INSERT:
      return triggers.trig_insert_before_statement || triggers.trig_insert_after_statement ||
             triggers.trig_insert_new_table || triggers.trig_insert_instead_row;
    case CMD_UPDATE:
      return triggers.trig_update_before_statement || triggers.trig_update_after_statement ||
             triggers.trig_update_new_table || triggers.trig_update_old_table ||
             triggers.trig_update_instead_row;
    default:
      return triggers.trig_delete_before_statement || triggers.trig_delete_after_statement ||
             triggers.trig_delete_old_table || triggers.trig_delete_instead_row;
  }
}

bool has_domain(TupleDesc columns) {
  for (int i = 0; i < columns->natts; ++i)
    if (!TupleDescAttr(columns, i)->attisdropped &&
        get_typtype(TupleDescAttr(columns, i)->atttypid) == TYPTYPE_DOMAIN)
      return true;
  return false;
}

// The executor computes only the generated columns that depend on a changed one.
bool has_generated(Relation table) {
  const TupleConstr* constraints = RelationGetDescr(table)->constr;
  return constraints != nullptr && constraints->has_generated_stored;
}

// Tests of the library with failpoints run with each row written by a statement, too.
bool tests_statements() {
#ifdef COACH_SMS_FAILPOINTS
  static const bool wanted = getenv("COACH_SMS_WRITE_BY_STATEMENT") != nullptr;
  return wanted;
#else
  return false;
#endif
}

void choose_ways(Relation table, TableParts* parts) {
  const bool is_special = tests_statements() || parts->unreadable != nullptr ||
                          table->rd_rel->relispartition || table->rd_rel->relforcerowsecurity ||
                          table->rd_rules != nullptr || parts->needs_cast ||
                          has_domain(RelationGetDescr(table));
  for (CmdType command : {CMD_INSERT, CMD_UPDATE, CMD_DELETE})
    parts->needs_statement[command] =
        is_special || (command == CMD_UPDATE && has_generated(table)) ||
        (table->trigdesc != nullptr && has_statement_triggers(*table->trigdesc, command));
  if (table->trigdesc == nullptr) return;
  parts->has_triggers[CMD_INSERT] = table->trigdesc->trig_insert_after_row;
  parts->has_triggers[CMD_UPDATE] = table->trigdesc->trig_update_after_row;
  parts->has_triggers[CMD_DELETE] = table->trigdesc->trig_delete_after_row;
}

void make_defaults(Relation table, TableParts* parts) {
  TupleDesc columns = RelationGetDescr(table);
  parts->defaults =
      static_cast<ExprState**>(palloc0(sizeof(ExprState*) * static_cast<Size>(columns->natts + 1)));
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(columns, i);
    if (column->attisdropped || column->attgenerated != '\0') continue;
    auto* value = reinterpret_cast<Expr*>(build_column_default(table, i + 1));
    if (value != nullptr) parts->defaults[i] = ExecInitExpr(expression_planner(value), nullptr);
  }
}

// Looks up the triggers' functions: the executor would do it in the memory of the first row.
void find_triggers(TableParts* parts) {
  const TriggerDesc* triggers = parts->result->ri_TrigDesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
    fmgr_info_cxt(triggers->triggers[i].tgfoid, &parts->result->ri_TrigFunctions[i],
                  parts->context);
}

// A slot on the table's own descriptor would pin it.
void make_slots(Relation table, TableParts* parts) {
  TupleDesc columns = CreateTupleDescCopyConstr(RelationGetDescr(table));
  const TupleTableSlotOps* stored = table_slot_callbacks(table);
  parts->written = MakeTupleTableSlot(columns, &TTSOpsVirtual);
  parts->result->ri_TrigOldSlot = MakeTupleTableSlot(columns, stored);
  parts->result->ri_TrigNewSlot = MakeTupleTableSlot(columns, stored);
}

}  // namespace

TableParts* make_parts(const TableDefinition& definition, Relation table) {
  MemoryContext context =
      AllocSetContextCreate(CurTransactionContext, "coach_sms table", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(context);
  auto* parts = static_cast<TableParts*>(palloc0(sizeof(TableParts)));
  parts->context = context;
  parts->table = RelationGetRelid(table);
  parts->changes = definition.changes;
  find_columns(definition, table, parts);
  choose_ways(table, parts);
  parts->estate = CreateExecutorState();
  init_range_table(parts->estate, table);
  parts->result = makeNode(ResultRelInfo);
  InitResultRelInfo(parts->result, table, 1, nullptr, 0);
  init_recheck(&parts->recheck, parts->estate);
  find_triggers(parts);
  make_slots(table, parts);
  parts->is_set = static_cast<bool*>(palloc0(static_cast<Size>(table->rd_att->natts + 1)));
  make_defaults(table, parts);
  make_indexes(table, parts);
  MemoryContextSwitchTo(caller);
  return parts;
}

void require_readable(const TableDefinition& definition, const TableParts& parts) {
  if (parts.unreadable == nullptr) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("table %s of coach_sms was altered: %s", definition.name, parts.unreadable),
           errhint("Undo the change. sms_doctor() names altered tables.")));
}

}  // namespace coach_sms
