#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// A scan that waits for its next use, without a pin. scan is nullptr where there is none.
struct IdleScan {
  IndexScanDesc scan;
  TupleTableSlot* slot;
};

// Ends the scan.
void end_idle(IdleScan* idle);

// An index, as it was when the parts were made.
struct IndexPart {
  Oid oid;
  int key_count;
  AttrNumber keys[INDEX_MAX_KEYS];  // 0: an expression
  // Conditions on so many leading keys imply the predicate. More than key_count: it cannot be used.
  int keys_needed;
  bool is_arbiter;  // unique, not deferrable
  // While the table is open:
  Relation relation;  // nullptr: not open yet
  IdleScan idle;
};

// All that reading and writing a table needs beside open relations. It is made once a session, and
// anew after a change of the table. While the table is open its memory belongs to the
// (sub)transaction, so that an error frees it.
struct TableParts {
  MemoryContext context;  // holds all of it
  Oid table;
  uint64 changes;  // of the definition, when it was made
  AttrNumber attributes[TableDefinition::kMaxColumns];
  const char* unreadable;  // why the table cannot be read, or nullptr
  bool needs_cast;         // a column has another type than the definition says, or a typmod

  EState* estate;
  ResultRelInfo* result;
  EPQState recheck;
  ExprState** defaults;     // by attribute; nullptr: none
  TupleTableSlot* written;  // the row of set()
  bool* is_set;             // by attribute
  bool needs_statement[CMD_DELETE + 1];
  bool has_triggers[CMD_DELETE + 1];  // AFTER ROW

  IndexPart* indexes;
  int index_count;
};

// Makes the parts of an open table.
TableParts* make_parts(const TableDefinition& definition, Relation table);

// Raises an error where the table cannot be read by index as it is.
void require_readable(const TableDefinition& definition, const TableParts& parts);

// Inserts, changes or deletes a row by an SQL statement, for tables where the executor does more
// than Table can: rules, triggers of statements, children, row security for the owner, columns of
// other types. `conflict` is an ON CONFLICT clause or "". Gives the row as it was stored in
// parts->written. Returns whether there is one.
bool write_by_statement(const TableDefinition& definition, TableParts* parts, CmdType command,
                        ItemPointer row, const char* conflict);

}  // namespace coach_sms
