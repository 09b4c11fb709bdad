#include "pg/base/extension.hpp"

namespace coach_sms {

namespace {

[[noreturn]] void raise_dropped() {
  elog(ERROR, "coach_sms was dropped");
}

// Returns whether the schema belongs to the extension. Until ALTER EXTENSION UPDATE, any role with
// CREATE on the database may have made a schema of that name.
bool is_member(Oid schema) {
  static Oid known = InvalidOid;
  if (schema != known) {
    const Oid extension = getExtensionOfObject(NamespaceRelationId, schema);
    if (!OidIsValid(extension) || extension != get_extension_oid("coach_sms", true)) return false;
    known = schema;
  }
  return true;
}

// Returns the user's schema beside the internal one. The OID of the internal schema keys the cache:
// each CREATE EXTENSION makes an internal schema with a new OID.
Oid user_schema_beside(Oid internal) {
  static Oid known_internal = InvalidOid;
  static Oid known_schema = InvalidOid;
  if (internal != known_internal) {
    ExtensionRow row;
    if (!read_extension(&row)) raise_dropped();
    known_schema = row.schema;
    known_internal = internal;
  }
  return known_schema;
}

}  // namespace

bool read_extension(ExtensionRow* row) {
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
              CStringGetDatum("coach_sms"));
  Relation relation = table_open(ExtensionRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(relation, ExtensionNameIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  const bool found = HeapTupleIsValid(tuple);
  if (found) {
    const auto* form = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple));
    bool is_null;
    const Datum version =
        heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(relation), &is_null);
    row->oid = form->oid;
    row->schema = form->extnamespace;
    strlcpy(row->version, is_null ? "" : TextDatumGetCString(version), sizeof(row->version));
  }
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return found;
}

Oid internal_schema_beside(Oid schema) {
  const Oid internal = get_namespace_oid(kInternalSchema, true);
  return OidIsValid(internal) && is_member(internal) ? internal : schema;
}

Oid extension_schema_of(FunctionCallInfo fcinfo) {
  const Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
  if (!OidIsValid(schema)) raise_dropped();
  return schema == get_namespace_oid(kInternalSchema, true) ? user_schema_beside(schema) : schema;
}

}  // namespace coach_sms
