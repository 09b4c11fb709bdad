#pragma once

// Small files that only the server's account may read: the sealing key, the server-wide token, the
// file that arms this server. They must be outside the data directory, so that no base backup or
// copy of it carries them. They must be regular files, no symbolic links, of the server's account
// or root, without access for others.
//
// All return false with `failure` filled (SM013). The failure names the path, never the contents.

#include <sys/stat.h>

#include <cstddef>

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// A file as it was when it was checked and read.
struct FileStamp {
  struct stat info;
  // The times of the file were two seconds old. A change within the same tick of the clock, which
  // times do not show, was over.
  bool is_settled;
};

// Returns whether the file at the path is still that one, with the same times, size, mode and
// owner: one system call. False for a stamp that is not settled.
bool is_unchanged(const char* path, const FileStamp& stamp);

// Reads the whole file of `size` bytes at most, and adds no NUL. The caller wipes the buffer if it
// held a secret. Fills `stamp` unless it is nullptr.
bool read_private_file(const char* path, char* buffer, std::size_t size, std::size_t* length,
                       Failure* failure, FileStamp* stamp = nullptr);

// Creates the file with mode 0600, and flushes it and its directory to disk. Never overwrites a
// file.
bool create_private_file(const char* path, const char* contents, std::size_t length,
                         Failure* failure);

// Replaces the file, or creates it. The earlier file stays whole until the new one is complete. Two
// processes must not do this at once.
bool replace_private_file(const char* path, const char* contents, std::size_t length,
                          Failure* failure);

// Renames the file within its directory and flushes the directory. Replaces a file of the new name.
bool rename_private_file(const char* path, const char* new_path, Failure* failure);

}  // namespace coach_sms
