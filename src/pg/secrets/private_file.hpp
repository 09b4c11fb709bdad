#pragma once

// Small files that only the server's account may read: the sealing key, the server-wide token, the
// mark that this server is armed. They live outside the data directory, so that neither a base
// backup nor a copy of it carries them, and are regular files (no symlinks) that belong to the
// server's account or root and are closed to everybody else.
//
// A failure is SM013 and names the path, never what the file holds.

#include <cstddef>

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Reads the whole file, which may have `size` bytes at most, and adds no NUL. The caller wipes the
// buffer where it held a secret.
bool read_private_file(const char* path, char* buffer, std::size_t size, std::size_t* length,
                       Failure* failure);

// Makes the file with mode 0600 and flushes it and its directory to disk. Never overwrites.
bool create_private_file(const char* path, const char* contents, std::size_t length,
                         Failure* failure);

// The same, in place of an earlier file, which is there whole until the new one is. Not for two
// processes at once.
bool replace_private_file(const char* path, const char* contents, std::size_t length,
                          Failure* failure);

// Renames the file within its directory and flushes that. A file that has the new name goes.
bool rename_private_file(const char* path, const char* new_path, Failure* failure);

}  // namespace coach_sms
