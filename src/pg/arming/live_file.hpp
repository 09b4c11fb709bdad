#pragma once

// The file beside the key file that arms this server for this database: <key_file>.live.<system
// identifier>.<database oid>. It holds the row's random id and the timeline on which it was
// written. So servers that share a key file have a file each.
//
// Release 0.1.0 named it <key_file>.live.<database oid>, which is the same for the first database
// of every server. A file of that name is renamed if it holds this row's id. Otherwise it is left
// alone, since it may be another server's.

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Returns the reason why no file arms this id, in the current memory context; nullptr where one
// does. The row must name this server and this database.
const char* what_is_wrong_with_live_file(const pg_uuid_t& arm_id);

// Returns the path of the file that arms that server and database with that id; nullptr where none
// does.
const char* live_file_of(int64 system_identifier, Oid database, const pg_uuid_t& arm_id);

// Writes the file for this server and database, with this id and the current timeline. Returns
// false with `failure` filled (SM013) where it cannot.
bool write_live_file(const char* arm_id, Failure* failure);

// Removes the file once this transaction has committed. The file stays if a savepoint is rolled
// back or the transaction is prepared. It then arms nothing, since no live row has its id.
void remove_live_file_at_commit();

// Returns the path of a file of the old name that is not this database's; nullptr where none is
// there.
const char* foreign_live_file();

}  // namespace coach_sms
