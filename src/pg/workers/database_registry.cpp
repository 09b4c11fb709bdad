#include "pg/workers/database_registry.hpp"

#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

Entry* entries;  // in TopMemoryContext
int entry_count;

namespace {

int capacity;

Entry* add_entry(Oid database) {
  if (entry_count == capacity) {
    capacity *= 2;
    entries = static_cast<Entry*>(repalloc(entries, sizeof(Entry) * static_cast<Size>(capacity)));
  }
  Entry* entry = &entries[entry_count++];
  memset(entry, 0, sizeof(*entry));
  entry->database = database;
  entry->state = EntryState::kUnknown;
  return entry;
}

bool takes_senders(Form_pg_database database) {
  return !database->datistemplate && database->datallowconn && !database_is_broken(database) &&
         settings::database_is_wanted(NameStr(database->datname));
}

void list_database(Form_pg_database database) {
  Entry* entry = find_entry(database->oid);
  if (entry == nullptr) entry = add_entry(database->oid);
  entry->name = database->datname;
  entry->listed = true;
}

// Enters the senders that an earlier launcher started: they go on running.
void adopt_running_senders() {
  SenderInfo info;
  for (int slot = 0; slot < kMaxDatabases; slot++) {
    if (!read_sender_slot(slot, &info) || info.pid == 0) continue;
    Entry* entry = find_entry(info.database);
    if (entry == nullptr) entry = add_entry(info.database);
    entry->state = EntryState::kStarted;
    entry->started_at = info.started_at;
    entry->has_extension = true;
  }
}

}  // namespace

void start_registry() {
  capacity = 16;
  entries = static_cast<Entry*>(
      MemoryContextAlloc(TopMemoryContext, sizeof(Entry) * static_cast<Size>(capacity)));
  adopt_running_senders();
}

Entry* find_entry(Oid database) {
  for (int i = 0; i < entry_count; i++) {
    if (entries[i].database == database) return &entries[i];
  }
  return nullptr;
}

void remove_entry(Entry* entry) {
  forget_sender(entry->database);
  *entry = entries[--entry_count];
}

void read_databases() {
  for (int i = 0; i < entry_count; i++)
    entries[i].listed = false;
  SetCurrentStatementStartTimestamp();
  StartTransactionCommand();
  Relation relation = table_open(DatabaseRelationId, AccessShareLock);
  TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
  for (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection); HeapTupleIsValid(tuple);
       tuple = heap_getnext(scan, ForwardScanDirection)) {
    auto* database = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    if (takes_senders(database)) list_database(database);
  }
  table_endscan(scan);
  table_close(relation, AccessShareLock);
  CommitTransactionCommand();
}

}  // namespace coach_sms
