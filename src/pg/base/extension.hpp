#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The schema of internal functions, types, views and of the tables that no dump carries. CREATE
// EXTENSION makes it; all else is in the schema that the user chose.
inline constexpr char kInternalSchema[] = "coach_sms_internal";

struct ExtensionRow {
  Oid oid;
  Oid schema;
  char version[64];
};

// Reads the row of coach_sms in pg_extension. False where the database has none.
bool read_extension(ExtensionRow* row);

// Returns the OID of kInternalSchema. `schema` itself where the extension has none: until ALTER
// EXTENSION UPDATE, all that 0.1.0 made is in the schema that the user chose.
Oid internal_schema_beside(Oid schema);

// Returns the schema that the user chose, for any C function of ours. Raises an error where the
// extension was dropped: nothing keeps a function from being dropped while it runs.
Oid extension_schema_of(FunctionCallInfo fcinfo);

}  // namespace coach_sms
