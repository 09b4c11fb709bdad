#pragma once

// Whether this server may send for this database. The row in sms_server names the server, the
// database and a random id; live, the same id must also be in a file beside the key file
// (live_file.hpp). A copy of the database lacks one or the other. The file names the timeline it
// was written on too: a server that was recovered to an earlier time since is not armed.
//
// The rule that keeps every half-done change on the safe side, since the row is transactional and
// the file is not: each change of the mode gives the row a new id. Going live writes the file
// before the row commits, and going to the sandbox removes it after: an id that no live row has
// means nothing, so whatever a rollback or a crash leaves behind is not armed.

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

enum class Mode { kSandbox, kLive, kNotArmed };

// The word that users see.
const char* word_for(Mode mode);

// The mode as of now. For kNotArmed `why` says in words what is missing (in the current memory
// context), else it is nullptr. Needs SPI_connect.
Mode read_mode(const char** why);

// Makes this server live for this database, or does nothing where it is. False with `failure`
// filled where there is no key file to arm it with. Needs SPI_connect.
bool arm_live(Failure* failure);

// Makes the database a sandbox of this server. Needs SPI_connect.
void arm_sandbox();

}  // namespace coach_sms
