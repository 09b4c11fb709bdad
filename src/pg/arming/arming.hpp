#pragma once

// Whether this server may send for this database. The row in sms_server names the server, the
// database and a random id. For live, a file beside the key file must hold the same id
// (live_file.hpp). A copy of the database lacks one or the other. The file also names the timeline
// on which it was written: a server that was recovered to an earlier time since is not armed.
//
// The row is transactional and the file is not. So each change of the mode gives the row a new id.
// Going live writes the file before the row commits; going to the sandbox removes it after. A file
// counts only if a live row has its id. So a change that a rollback or a crash interrupts leaves
// the server not armed.

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

enum class Mode { kSandbox, kLive, kNotArmed };

// Returns the word that users see.
const char* word_for(Mode mode);

// Returns the mode as of now. For kNotArmed `why` is the reason in words, static or in the current
// memory context; else it is nullptr. Needs SPI_connect.
Mode read_mode(const char** why);

// Makes this server live for this database, or does nothing where it is live. Returns false with
// `failure` filled (SM013) where there is no key file, or the file cannot be written. Needs
// SPI_connect.
bool arm_live(Failure* failure);

// Makes the database a sandbox of this server. Needs SPI_connect.
void arm_sandbox();

}  // namespace coach_sms
