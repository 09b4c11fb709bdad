#include "pg/base/extension.hpp"
#include "pg/tables/table_parts.hpp"

namespace coach_sms {

namespace {

// The values that set() gave, as parameters of a statement.
struct Values {
  Oid types[MaxHeapAttributeNumber + 1];
  Datum values[MaxHeapAttributeNumber + 1];
  char nulls[MaxHeapAttributeNumber + 1];
  int count = 0;

  void add(Oid type, Datum value, bool is_null) {
    types[count] = type;
    values[count] = value;
    nulls[count++] = is_null ? 'n' : ' ';
  }
};

// Calls use(name, number of its parameter) for each column that is set.
template <typename Use>
void each_set(const TableDefinition& definition, const TableParts& parts, Values* values, Use use) {
  for (int i = 0; i < definition.count; ++i) {
    const int at = parts.attributes[i] - 1;
    if (!parts.is_set[at]) continue;
    values->add(definition.columns[i].type, parts.written->tts_values[at],
                parts.written->tts_isnull[at]);
    use(quote_identifier(definition.columns[i].name), values->count);
  }
}

void write_insert(const TableDefinition& definition, const TableParts& parts, const char* table,
                  const char* conflict, StringInfo sql, Values* values) {
  StringInfoData numbers;
  initStringInfo(&numbers);
  appendStringInfo(sql, "INSERT INTO %s (", table);
  each_set(definition, parts, values, [&](const char* column, int number) {
    appendStringInfo(sql, "%s%s", number > 1 ? ", " : "", column);
    appendStringInfo(&numbers, "%s$%d", number > 1 ? ", " : "", number);
  });
  appendStringInfo(sql, ") VALUES (%s) %s", numbers.data, conflict);
}

void write_change(const TableDefinition& definition, const TableParts& parts, const char* table,
                  CmdType command, ItemPointer row, StringInfo sql, Values* values) {
  appendStringInfo(sql, command == CMD_DELETE ? "DELETE FROM %s" : "UPDATE %s SET ", table);
  if (command == CMD_UPDATE)
    each_set(definition, parts, values, [&](const char* column, int number) {
      appendStringInfo(sql, "%s%s = $%d", number > 1 ? ", " : "", column, number);
    });
  values->add(TIDOID, PointerGetDatum(row), false);
  appendStringInfo(sql, " WHERE ctid = $%d", values->count);
}

}  // namespace

uint64 write_by_statement(const TableDefinition& definition, const TableParts& parts,
                          CmdType command, ItemPointer row, const char* conflict) {
  StringInfoData sql;
  initStringInfo(&sql);
  auto* values = static_cast<Values*>(palloc(sizeof(Values)));
  values->count = 0;
  const char* table =
      psprintf("%s.%s", quote_identifier(get_namespace_name(get_rel_namespace(parts.table))),
               quote_identifier(definition.name));
  if (command == CMD_INSERT)
    write_insert(definition, parts, table, conflict, &sql, values);
  else
    write_change(definition, parts, table, command, row, &sql, values);
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  const int result = SPI_execute_with_args(sql.data, values->count, values->types, values->values,
                                           values->nulls, false, 0);
  const uint64 rows = SPI_processed;
  SPI_finish();
  MemoryContextSwitchTo(caller);
  if (result < 0) elog(ERROR, "could not run \"%s\": %s", sql.data, SPI_result_code_string(result));
  return rows;
}

}  // namespace coach_sms
