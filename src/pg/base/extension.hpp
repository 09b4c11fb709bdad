#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The schema of the internal functions, types and views, and of the tables that no dump carries.
// CREATE EXTENSION makes it. All other objects are in the schema that the user chose.
inline constexpr char kInternalSchema[] = "coach_sms_internal";

struct ExtensionRow {
  Oid oid;
  Oid schema;
  char version[64];
};

// Reads the row of coach_sms in pg_extension. Returns false where the database has none.
bool read_extension(ExtensionRow* row);

// Returns the OID of kInternalSchema, or `schema` itself where the extension has no internal
// schema. Until ALTER EXTENSION UPDATE, all objects of 0.1.0 are in the schema that the user chose.
Oid internal_schema_beside(Oid schema);

// Returns the schema that the user chose, for any C function of the extension. Raises an error
// where the extension was dropped: a function can be dropped while it runs.
Oid extension_schema_of(FunctionCallInfo fcinfo);

}  // namespace coach_sms
