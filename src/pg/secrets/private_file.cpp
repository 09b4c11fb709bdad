#include <algorithm>
#include <climits>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pg/secrets/private_file.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr char kNewSuffix[] = ".new";

bool refuse(Failure* failure, const char* path, const char* what, const char* detail,
            const char* hint) {
  fail(failure, kKeyFile, detail, hint, "file \"%s\" %s", path, what);
  return false;
}

// Fills `failure` for an action that the operating system refused; `error` is its errno. Returns
// false.
bool refuse_errno(Failure* failure, const char* path, const char* action, int error) {
  const char* hint =
      error == ENOENT ? "Check the path; the server's account must be able to enter its directory."
                      : "Check owner and mode of the file and of its directory.";
  fail(failure, kKeyFile, "", hint, "could not %s file \"%s\": %s", action, path, strerror(error));
  return false;
}

void directory_of(const char* path, char (&directory)[MAXPGPATH]) {
  strlcpy(directory, path, sizeof directory);
  get_parent_directory(directory);
}

bool check_place(const char* path, Failure* failure) {
  if (!is_absolute_path(path))
    return refuse(failure, path, "has no absolute path",
                  "A relative path would mean another file for each process.",
                  "Give a path that begins with \"/\".");
  if (strlen(path) + sizeof kNewSuffix >= MAXPGPATH)
    return refuse(failure, path, "has too long a path", "PostgreSQL's paths have 1,023 bytes.",
                  "Choose a shorter one.");
  char directory[MAXPGPATH];
  char real_directory[PATH_MAX];
  char real_data[PATH_MAX];
  directory_of(path, directory);
  if (realpath(directory, real_directory) == nullptr || realpath(DataDir, real_data) == nullptr)
    return refuse_errno(failure, path, "find the directory of", errno);
  if (path_is_prefix_of_path(real_data, real_directory))
    return refuse(failure, path, "is inside the data directory",
                  "A base backup or a copy of the data directory would carry it.",
                  "Keep it elsewhere, for example under /etc/postgresql.");
  return true;
}

bool check_kind(const char* path, const struct stat& info, Failure* failure) {
  if (!S_ISREG(info.st_mode))
    return refuse(failure, path, "is not a regular file", "It is a directory or a device.",
                  "Give the path of a file.");
  if (info.st_uid != geteuid() && info.st_uid != 0)
    return refuse(failure, path, "belongs to another account",
                  "Its owner could change it at any time.",
                  "Make it belong to the server's account, with chown.");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return refuse(failure, path, "is open to others", "Its mode gives a group or everybody access.",
                  "Set its mode to 0600, with chmod.");
  return true;
}

FileStamp stamp_of(const struct stat& info) {
  constexpr time_t kSettled = 2;  // seconds
  return {info, time(nullptr) - std::max(info.st_mtime, info.st_ctime) >= kSettled};
}

// Checks and reads the file. Closes `descriptor` in every case.
bool read_open_file(int descriptor, const char* path, char* buffer, std::size_t size,
                    std::size_t* length, Failure* failure, FileStamp* stamp) {
  struct stat info;
  if (fstat(descriptor, &info) != 0) {
    const int error = errno;
    CloseTransientFile(descriptor);
    return refuse_errno(failure, path, "examine", error);
  }
  if (!check_kind(path, info, failure)) {
    CloseTransientFile(descriptor);
    return false;
  }
  if (stamp != nullptr) *stamp = stamp_of(info);
  ssize_t got = 0;
  std::size_t filled = 0;
  while (filled < size && (got = read(descriptor, buffer + filled, size - filled)) > 0)
    filled += static_cast<std::size_t>(got);
  const int error = errno;
  char beyond;
  const bool too_long = got >= 0 && filled == size && read(descriptor, &beyond, 1) == 1;
  CloseTransientFile(descriptor);
  *length = filled;
  if (got < 0) return refuse_errno(failure, path, "read", error);
  if (too_long)
    return refuse(failure, path, "is too large", psprintf("It may have %zu bytes at most.", size),
                  "Check its content.");
  return true;
}

bool is_same_time(const timespec& left, const timespec& right) {
  return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

bool write_and_flush(int descriptor, const char* contents, std::size_t length) {
  if (fchmod(descriptor, S_IRUSR | S_IWUSR) != 0) return false;
  errno = ENOSPC;  // write() sets no errno for a short write
  return write(descriptor, contents, length) == static_cast<ssize_t>(length) &&
         fsync(descriptor) == 0;
}

bool flush_directory_of(const char* path, Failure* failure) {
  char directory[MAXPGPATH];
  directory_of(path, directory);
  const int descriptor = OpenTransientFile(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) CloseTransientFile(descriptor);
  return flushed || refuse_errno(failure, path, "flush the directory of", error);
}

bool create_file(const char* path, const char* contents, std::size_t length, Failure* failure) {
  const int descriptor = OpenTransientFilePerm(
      path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | PG_BINARY, S_IRUSR | S_IWUSR);
  if (descriptor < 0 && errno == EEXIST)
    return refuse(
        failure, path, "exists already",
        "A key is never overwritten, because the tokens that it sealed could then not be opened.",
        "Choose another path, or go on using the file.");
  if (descriptor < 0) return refuse_errno(failure, path, "create", errno);
  const bool written = write_and_flush(descriptor, contents, length);
  const int error = errno;
  CloseTransientFile(descriptor);
  if (written) return true;
  unlink(path);
  return refuse_errno(failure, path, "write", error);
}

}  // namespace

bool is_unchanged(const char* path, const FileStamp& stamp) {
  struct stat now;
  const struct stat& then = stamp.info;
  return stamp.is_settled && lstat(path, &now) == 0 && now.st_dev == then.st_dev &&
         now.st_ino == then.st_ino && now.st_size == then.st_size && now.st_mode == then.st_mode &&
         now.st_uid == then.st_uid && is_same_time(now.st_mtim, then.st_mtim) &&
         is_same_time(now.st_ctim, then.st_ctim);
}

bool read_private_file(const char* path, char* buffer, std::size_t size, std::size_t* length,
                       Failure* failure, FileStamp* stamp) {
  if (!check_place(path, failure)) return false;
  // With O_NONBLOCK, opening a pipe does not wait for a writer.
  const int descriptor = OpenTransientFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ELOOP)
    return refuse(failure, path, "is a symbolic link",
                  "An account that can change the link could choose another file.",
                  "Give the path of the file itself.");
  if (descriptor < 0) return refuse_errno(failure, path, "open", errno);
  return read_open_file(descriptor, path, buffer, size, length, failure, stamp);
}

bool create_private_file(const char* path, const char* contents, std::size_t length,
                         Failure* failure) {
  return check_place(path, failure) && create_file(path, contents, length, failure) &&
         flush_directory_of(path, failure);
}

bool replace_private_file(const char* path, const char* contents, std::size_t length,
                          Failure* failure) {
  if (!check_place(path, failure)) return false;
  const char* fresh = psprintf("%s%s", path, kNewSuffix);
  unlink(fresh);  // a crash may have left it
  if (!create_file(fresh, contents, length, failure)) return false;
  if (rename_private_file(fresh, path, failure)) return true;
  unlink(fresh);
  return false;
}

bool rename_private_file(const char* path, const char* new_path, Failure* failure) {
  if (!check_place(new_path, failure)) return false;
  if (rename(path, new_path) != 0) return refuse_errno(failure, path, "rename", errno);
  return flush_directory_of(new_path, failure);
}

}  // namespace coach_sms
