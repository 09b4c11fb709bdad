#pragma once

#include <initializer_list>

#include "pg/base/statement.hpp"

namespace coach_sms {

// Our tables, read by index and written without a plan, as COPY and the worker of logical
// replication do it. README.md says what holds for them.
//
//   Command command;
//   command.begin();
//   Table queue;
//   queue.open(&queue::table, TableUse::kWrite, &command);
//   ...
//   queue.close();
//   command.end();
//
// All functions raise errors. An error closes and frees everything.

// A column of a definition: its name, and the type of the values that the caller gives and gets.
struct Column {
  const char* name;
  Oid type;
};

struct TableParts;
struct IndexPart;

// The definition of a table: its name and the columns that the caller uses, in the order of the
// caller's enum. It is static, and keeps the table's parts for the session.
struct TableDefinition {
  static constexpr int kMaxColumns = 40;

  constexpr TableDefinition(bool internal, const char* table_name,
                            std::initializer_list<Column> wanted)
      : is_internal(internal), name(table_name) {
    for (const Column& column : wanted)
      columns[count++] = column;
  }

  bool is_internal;  // in the internal schema (extension.hpp)
  const char* name;
  Column columns[kMaxColumns] = {};
  int count = 0;

  TableParts* parts = nullptr;  // kept for the next use; nullptr while they are in use
  Oid table = InvalidOid;
  Oid schema = InvalidOid;  // of `table`
  uint64 changes = 0;       // of the table, as invalidations show them
  TableDefinition* next = nullptr;
  bool is_listed = false;
};

// A command of the transaction, as one SQL statement is. It sees all that was committed before it
// began, and the transaction's earlier commands, but none of its own changes.
class Command {
 public:
  void begin();
  // Fires the AFTER triggers. Later commands see the changes.
  void end();

 private:
  friend class Table;

  bool has_triggers_;
};

// A row that a scan found, or that was locked. It is valid until the scan goes on.
struct Row {
  TupleTableSlot* slot;
  const AttrNumber* attributes;

  bool is_null(int column) const { return slot_attisnull(slot, attributes[column]); }
  // Return 0, false or an all-zero id for NULL.
  bool flag(int column) const;
  int32 number(int column) const;  // smallint and integer
  int64 bigint(int column) const;
  pg_uuid_t uuid(int column) const;
  TimestampTz time(int column, TimestampTz if_null) const;
  // Returns the text in the current memory context; `if_null` for NULL.
  char* copy_text(int column, const char* if_null) const;
  bool text_is(int column, const char* expected) const;
  bool has_text(int column) const;  // neither NULL nor empty
  // Returns xmin and ctid as text in the current memory context: it differs after each change.
  char* version() const;
  // Returns the value as it is stored, valid as long as the row.
  Datum datum(int column, bool* is_null) const {
    return slot_getattr(slot, attributes[column], is_null);
  }
};

enum class TableUse { kRead, kWrite };

// An open table.
class Table {
 public:
  // kWrite raises an error in a read-only transaction.
  void open(TableDefinition* definition, TableUse use, Command* command);
  void close();

  // A new row: begin_row(), set() for columns, insert(). Other columns get their defaults.
  void begin_row();
  // A change of a row that lock() has locked: begin_change(), set(), update().
  void begin_change(const Row& row);
  void set(int column, const Parameter& value);

  // Return whether the row was inserted: a trigger of the application may skip it.
  bool insert();
  // Inserts the row unless another row has the same values in these columns. A unique index must
  // have them and no others; `target` names it as ON CONFLICT does. Waits for a transaction that is
  // inserting such a row.
  bool insert_unless_taken(std::initializer_list<int> columns, const char* target);
  // Raises an error where a trigger of the application skips the change.
  void update();
  // Returns the row that was inserted or changed last, as triggers and defaults left it. Valid
  // until begin_row(), begin_change() or close().
  Row stored() const;

  // kBusy: another transaction has locked or changed it, or a trigger of this command. Try it again
  // with a new command. kGone: it was deleted.
  enum class Lock { kTaken, kBusy, kGone };
  // Locks the newest version of the row without waiting, and puts it into `row`. Raises a
  // serialization failure where the transaction's snapshot does not see the newest version.
  Lock lock(Row* row, LockTupleMode mode);
  // Deletes the row, without waiting, if nobody has changed or locked it since the command began.
  // The row stays valid.
  Lock remove(const Row& row);

 private:
  friend class Scan;

  TupleTableSlot* make_slot() const;
  void fill_defaults();
  void finish(CmdType command);
  void note_updated_columns();
  bool change();
  bool prepare_insert();
  void require_visible(ItemPointer place);
  Lock lock_of(TM_Result result) const;
  Lock remove_at_once(const Row& row);
  bool insert_speculatively(List* arbiters);
  List* find_arbiters(std::initializer_list<int> columns) const;

  TableDefinition* definition_;
  TableParts* parts_;
  Relation relation_;
  TableUse use_;
  Command* command_;
  TupleTableSlot* old_;  // of begin_change()
};

// A condition on a column: `column` `comparison` `value`. It holds pointers, as Parameter does. The
// comparison of a place's columns does not count.
struct Key {
  int column;
  Parameter value;
  StrategyNumber comparison = BTEqualStrategyNumber;
};

enum class ScanOrder { kAny, kOfIndex };

// A scan of the rows that meet all keys, by an index that begins with the keys' columns in their
// order. PostgreSQL allocates for it in the current memory context, which must not be reset before
// the table is closed.
class Scan {
 public:
  // Without such an index, a scan in any order reads the whole table, and a scan in the index's
  // order raises an error.
  void begin(Table* table, std::initializer_list<Key> keys, ScanOrder order = ScanOrder::kAny);
  // Begins a scan in the index's order of the rows that meet `equal` and stand behind a place:
  // their next columns, together, are greater than the values of `place`. Raises an error without
  // the index. The object must stay where it is until end().
  void begin_behind(Table* table, std::initializer_list<Key> equal,
                    std::initializer_list<Key> place);
  bool next();
  void end();

  Row row;

 private:
  static constexpr int kMaxKeys = 6;

  struct Comparison;

  void find_index(const Key* keys, int count);
  Comparison comparison_of(const Key& key, int at) const;
  void set_keys(const Key* keys, int count);
  void set_place(const Key* place, int count, int at);
  void begin_by_index(int count);

  Table* table_;
  IndexPart* index_;  // nullptr: the whole table is read
  IndexScanDesc by_index_;
  TableScanDesc by_table_;
  ScanKeyData keys_[kMaxKeys];
  ScanKeyData place_[kMaxKeys];  // the columns of a place
};

// Calls use(row) for each row that meets the keys, in no order, as a command of its own.
template <typename Use>
void read_rows(TableDefinition* definition, std::initializer_list<Key> keys, Use use) {
  Command command;
  command.begin();
  Table table;
  table.open(definition, TableUse::kRead, &command);
  Scan scan;
  scan.begin(&table, keys);
  while (scan.next())
    use(scan.row);
  scan.end();
  table.close();
  command.end();
}

// Registers the callbacks that notice changes of tables. _PG_init calls it once.
void define_tables();

}  // namespace coach_sms
