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

// Appends the columns of the definition, with the types that the caller expects.
void return_columns(const TableDefinition& definition, StringInfo sql) {
  appendStringInfoString(sql, " RETURNING ");
  for (int i = 0; i < definition.count; ++i)
    appendStringInfo(sql, "%s%s::%s", i > 0 ? ", " : "",
                     quote_identifier(definition.columns[i].name),
                     format_type_be_qualified(definition.columns[i].type));
}

// Copies the returned row into parts->written.
void keep_row(const TableDefinition& definition, TableParts* parts) {
  TupleTableSlot* slot = parts->written;
  for (int i = 0; i < definition.count; ++i) {
    const int at = parts->attributes[i] - 1;
    int16 length;
    bool by_value;
    get_typlenbyval(definition.columns[i].type, &length, &by_value);
    const Datum value = datum_column(0, i + 1, &slot->tts_isnull[at]);
    slot->tts_values[at] = slot->tts_isnull[at] ? 0 : SPI_datumTransfer(value, by_value, length);
  }
  ExecStoreVirtualTuple(slot);
}

}  // namespace

bool write_by_statement(const TableDefinition& definition, TableParts* parts, CmdType command,
                        ItemPointer row, const char* conflict) {
  StringInfoData sql;
  initStringInfo(&sql);
  auto* values = static_cast<Values*>(palloc(sizeof(Values)));
  values->count = 0;
  const char* table =
      psprintf("%s.%s", quote_identifier(get_namespace_name(get_rel_namespace(parts->table))),
               quote_identifier(definition.name));
  if (command == CMD_INSERT)
    write_insert(definition, *parts, table, conflict, &sql, values);
  else
    write_change(definition, *parts, table, command, row, &sql, values);
  if (command != CMD_DELETE) return_columns(definition, &sql);
  MemoryContext caller = CurrentMemoryContext;
  SPI_connect();
  const int result = SPI_execute_with_args(sql.data, values->count, values->types, values->values,
                                           values->nulls, false, 0);
  if (result < 0) elog(ERROR, "could not run \"%s\": %s", sql.data, SPI_result_code_string(result));
  const bool has_row = SPI_processed > 0;
  if (has_row && command != CMD_DELETE) keep_row(definition, parts);
  SPI_finish();
  MemoryContextSwitchTo(caller);
  return has_row;
}

}  // namespace coach_sms
