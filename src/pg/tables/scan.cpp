#include "pg/tables/table.hpp"

#include <algorithm>

#include "pg/tables/table_parts.hpp"

namespace coach_sms {

namespace {

// Returns whether the transaction's snapshots may miss rows in the index: its HOT chains were
// broken when it was made (README.HOT).
bool is_too_new(Relation index) {
  return index->rd_index->indcheckxmin &&
         !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
                                TransactionXmin);
}

bool fits(const IndexPart& index, const AttrNumber* attributes, const Key* keys, int count) {
  if (index.key_count < count || index.keys_needed > count) return false;
  for (int i = 0; i < count; ++i)
    if (index.keys[i] != attributes[keys[i].column]) return false;
  return true;
}

void require_index(const TableDefinition& definition) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                  errmsg("an index of %s is missing or not valid", definition.name),
                  errdetail("Without it the rows have no order."),
                  errhint("sms_doctor() names it. REINDEX mends an index that is not valid.")));
}

}  // namespace

void end_idle(IdleScan* idle) {
  if (idle->scan == nullptr) return;
  index_endscan(idle->scan);
  ExecDropSingleTupleTableSlot(idle->slot);
  *idle = IdleScan{};
}

// How a column compares: by the index or, without one, by its type.
struct Scan::Comparison {
  Oid family;
  Oid type;
  Oid collation;
  AttrNumber attribute;

  RegProcedure function_of(StrategyNumber strategy) const {
    const Oid found = get_opfamily_member(family, type, type, static_cast<int16>(strategy));
    if (found == InvalidOid) elog(ERROR, "no operator %d for type %u", strategy, type);
    return get_opcode(found);
  }
};

// Finds the index and opens it until the table is closed. Leaves index_ nullptr where there is
// none.
void Scan::find_index(const Key* keys, int count) {
  TableParts& parts = *table_->parts_;
  if (count > kMaxKeys) elog(ERROR, "%d keys of a scan", count);
  require_readable(*table_->definition_, parts);
  index_ = nullptr;
  for (int i = 0; i < parts.index_count && index_ == nullptr; ++i) {
    IndexPart& index = parts.indexes[i];
    if (!fits(index, parts.attributes, keys, count)) continue;
    if (index.relation == nullptr) index.relation = index_open(index.oid, AccessShareLock);
    if (index.relation->rd_index->indisvalid && !is_too_new(index.relation)) index_ = &index;
  }
}

Scan::Comparison Scan::comparison_of(const Key& key, int at) const {
  if (index_ != nullptr) {
    Relation index = index_->relation;
    return {index->rd_opfamily[at], index->rd_opcintype[at], index->rd_indcollation[at],
            static_cast<AttrNumber>(at + 1)};
  }
  const AttrNumber attribute = table_->parts_->attributes[key.column];
  Form_pg_attribute column = TupleDescAttr(RelationGetDescr(table_->relation_), attribute - 1);
  const Oid operators = GetDefaultOpClass(column->atttypid, BTREE_AM_OID);
  return {get_opclass_family(operators), get_opclass_input_type(operators), column->attcollation,
          attribute};
}

void Scan::set_keys(const Key* keys, int count) {
  for (int i = 0; i < count; ++i) {
    const Key& key = keys[i];
    const Comparison comparison = comparison_of(key, i);
    ScanKeyEntryInitialize(&keys_[i], key.value.is_null ? SK_ISNULL : 0, comparison.attribute,
                           key.comparison, InvalidOid, comparison.collation,
                           comparison.function_of(key.comparison), key.value.value);
  }
}

// Sets one key of the scan to a comparison of rows, as for (a, b) > (x, y): its header, and the
// columns from the index's column `at` on.
void Scan::set_place(const Key* place, int count, int at) {
  for (int i = 0; i < count; ++i) {
    const Comparison comparison = comparison_of(place[i], at + i);
    ScanKeyEntryInitialize(
        &place_[i], SK_ROW_MEMBER | (i + 1 == count ? SK_ROW_END : 0), comparison.attribute,
        BTGreaterStrategyNumber, InvalidOid, comparison.collation,
        get_opfamily_proc(comparison.family, comparison.type, comparison.type, BTORDER_PROC),
        place[i].value.value);
  }
  ScanKeyData& header = keys_[at];
  header = ScanKeyData{};
  header.sk_flags = SK_ROW_HEADER;
  header.sk_attno = place_[0].sk_attno;
  header.sk_strategy = BTGreaterStrategyNumber;
  header.sk_argument = PointerGetDatum(place_);
}

// Uses a scan of the index again that waits, since to make one costs as much as a search.
void Scan::begin_by_index(int count) {
  IdleScan* idle = &index_->idle;
  if (idle->scan != nullptr && idle->scan->numberOfKeys == count) {
    by_index_ = idle->scan;
    row.slot = idle->slot;
    *idle = IdleScan{};
  } else {
    MemoryContext caller = MemoryContextSwitchTo(table_->parts_->context);
    by_index_ = begin_index_scan(table_->relation_, index_->relation, GetActiveSnapshot(), count);
    row.slot = table_->make_slot();
    MemoryContextSwitchTo(caller);
  }
  index_rescan(by_index_, keys_, count, nullptr, 0);
}

void Scan::begin(Table* table, std::initializer_list<Key> keys, ScanOrder order) {
  const int count = static_cast<int>(keys.size());
  table_ = table;
  find_index(keys.begin(), count);
  if (index_ == nullptr && order == ScanOrder::kOfIndex) require_index(*table->definition_);
  set_keys(keys.begin(), count);
  row.attributes = table->parts_->attributes;
  if (index_ != nullptr) return begin_by_index(count);
  row.slot = table->make_slot();
  by_table_ = table_beginscan(table->relation_, GetActiveSnapshot(), count, keys_);
}

void Scan::begin_behind(Table* table, std::initializer_list<Key> equal,
                        std::initializer_list<Key> place) {
  Key all[kMaxKeys] = {};
  const int equal_count = static_cast<int>(equal.size());
  const int place_count = static_cast<int>(place.size());
  std::copy(equal.begin(), equal.end(), all);
  std::copy(place.begin(), place.end(), all + equal_count);
  table_ = table;
  find_index(all, equal_count + place_count);
  if (index_ == nullptr) require_index(*table->definition_);
  set_keys(all, equal_count);
  set_place(all + equal_count, place_count, equal_count);
  row.attributes = table->parts_->attributes;
  begin_by_index(equal_count + 1);
}

bool Scan::next() {
  return index_ != nullptr ? index_getnext_slot(by_index_, ForwardScanDirection, row.slot)
                           : table_scan_getnextslot(by_table_, ForwardScanDirection, row.slot);
}

void Scan::end() {
  if (index_ == nullptr) {
    table_endscan(by_table_);
    return ExecDropSingleTupleTableSlot(row.slot);
  }
  ExecClearTuple(row.slot);
  index_rescan(by_index_, keys_, by_index_->numberOfKeys, nullptr, 0);  // drops its pins
  end_idle(&index_->idle);
  index_->idle = {by_index_, row.slot};
}

Row Table::stored() const {
  return {parts_->written, parts_->attributes};
}

// --- rows ---------------------------------------------------------------------------------------

bool Row::flag(int column) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  return !is_null && DatumGetBool(value);
}

int32 Row::number(int column) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  if (is_null) return 0;
  const bool is_short =
      TupleDescAttr(slot->tts_tupleDescriptor, attributes[column] - 1)->attlen == sizeof(int16);
  return is_short ? DatumGetInt16(value) : DatumGetInt32(value);
}

int64 Row::bigint(int column) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  return is_null ? 0 : DatumGetInt64(value);
}

pg_uuid_t Row::uuid(int column) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  return is_null ? pg_uuid_t{} : *DatumGetUUIDP(value);
}

TimestampTz Row::time(int column, TimestampTz if_null) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  return is_null ? if_null : DatumGetTimestampTz(value);
}

char* Row::copy_text(int column, const char* if_null) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  if (!is_null) return TextDatumGetCString(value);
  return if_null != nullptr ? pstrdup(if_null) : nullptr;
}

bool Row::text_is(int column, const char* expected) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  if (is_null) return false;
  const text* stored = DatumGetTextPP(value);
  return VARSIZE_ANY_EXHDR(stored) == strlen(expected) &&
         memcmp(VARDATA_ANY(stored), expected, strlen(expected)) == 0;
}

char* Row::version() const {
  bool is_null;
  const Datum inserted_by = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &is_null);
  return psprintf("%u(%u,%u)", DatumGetTransactionId(inserted_by),
                  ItemPointerGetBlockNumber(&slot->tts_tid),
                  ItemPointerGetOffsetNumber(&slot->tts_tid));
}

bool Row::has_text(int column) const {
  bool is_null;
  const Datum value = datum(column, &is_null);
  return !is_null && VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) > 0;
}

}  // namespace coach_sms
