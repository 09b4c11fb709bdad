#pragma once

#include "pg/tables/definitions.hpp"

namespace coach_sms {

// The tables that the way of a message changes, open to write, as one command.
struct SendingTables {
  Command command;
  Table messages;
  Table queue;
  Table in_flight;
  Table attempts;    // open after open_attempts()
  int late_results;  // of messages that were settled already

  bool has_attempts;

  void open();
  // A claim does not need them, and must not wait for a lock of theirs.
  void open_attempts();
  // Logs the number of late results, too.
  void close();
};

// A row of one of these tables, found by its key. It is valid until end(), and stays where it
// is.
class FoundRow {
 public:
  void begin(Table* table, int key_column, const pg_uuid_t& id) {
    table_ = table;
    id_ = id;
    scan_.begin(table, {{key_column, Parameter(id_)}});
  }
  bool find() { return scan_.next(); }
  // Finds and locks the row.
  Table::Lock lock(LockTupleMode mode) {
    return find() ? table_->lock(&scan_.row, mode) : Table::Lock::kGone;
  }
  void end() { scan_.end(); }
  Row& row() { return scan_.row; }
  const Row& row() const { return scan_.row; }

 private:
  Table* table_;
  pg_uuid_t id_;
  Scan scan_;
};

}  // namespace coach_sms
