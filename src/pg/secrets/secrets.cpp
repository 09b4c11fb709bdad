#include <unistd.h>

#include "core/crypto/kept_key.hpp"
#include "core/text/blanks.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/uuids.hpp"
#include "pg/secrets/private_file.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr std::size_t kKeyFileSize = 65;  // 64 hex digits and a newline
constexpr std::size_t kMaxTokenFileSize = 4096;

bool read_key_file(const char* path, char (&contents)[kKeyFileSize], Failure* failure,
                   FileStamp* stamp) {
  if (path[0] == '\0') {
    fail(failure, kKeyFile, "Tokens are sealed with a key that the server keeps in a file.",
         "Make a key with SELECT sms_create_key('/path/outside/the/data/directory'), then set "
         "coach_sms.key_file to that path and reload the configuration.",
         "coach_sms.key_file is not set");
    return false;
  }
  std::size_t length = 0;
  if (!read_private_file(path, contents, sizeof contents, &length, failure, stamp)) {
    if (access(path, F_OK) != 0 && errno == ENOENT)
      strlcpy(failure->hint,
              "Restore the file from your copy, make a new key with "
              "sms_create_key(), or set coach_sms.key_file to its path.",
              sizeof failure->hint);
    return false;
  }
  if (length == kKeyFileSize) return true;
  fail(failure, kKeyFile, "A key file has 64 hex digits and a newline: 65 bytes.",
       "Restore the file, or make a new key with sms_create_key().",
       "key file \"%s\" has %zu bytes", path, length);
  return false;
}

// --- keys that were read ------------------------------------------------------------------------

// The file whose content is kept. It is read again once it is another, or was touched.
struct KeptFile {
  char path[MAXPGPATH] = "";
  FileStamp stamp{};

  bool is_current(const char* wanted) const {
    return strcmp(path, wanted) == 0 && is_unchanged(path, stamp);
  }
};

struct KeyOfFile {
  KeptFile file;
  KeptKey kept;
};

KeyOfFile keys[2];  // of coach_sms.key_file and coach_sms.old_key_file

KeyOfFile* key_of(const char* path) {
  return &keys[strcmp(path, settings::old_key_file) == 0 ? 1 : 0];
}

bool read_key(const char* path, KeyOfFile* key, Failure* failure) {
  char contents[kKeyFileSize];
  key->kept.forget();
  if (read_key_file(path, contents, failure, &key->file.stamp)) {
    strlcpy(key->file.path, path, sizeof key->file.path);
    *failure = run_cpp([&] { key->kept.read({contents, sizeof contents}); });
    if (failure->failed && failure->sqlstate == kKeyFile)
      fail(failure, kKeyFile, "A key file has 64 hex digits and a newline.",
           "Restore the file, or make a new key with sms_create_key().",
           "file \"%s\" does not hold a key", path);
  }
  explicit_bzero(contents, sizeof contents);
  return key->kept.has_key();
}

// Runs `work(kept)` with the key of that file, on the C++ side of the boundary. Returns the
// palloc'ed text that `work` returns; nullptr with `failure` filled otherwise.
template <typename Work>
char* with_key(const char* path, Work work, Failure* failure) {
  KeyOfFile* key = key_of(path);
  const bool is_current = key->kept.has_key() && key->file.is_current(path);
  if (!is_current && !read_key(path, key, failure)) return nullptr;
  char* result = nullptr;
  *failure = run_cpp([&] { result = work(key->kept); });
  return result;
}

char* open_with(const char* path, const pg_uuid_t& org_id, const char* sealed, Failure* failure) {
  const char* context = uuid_text(org_id);
  return with_key(
      path, [&](KeptKey& kept) { return copy_out(kept.open(sealed, context)); }, failure);
}

// --- the server's token -------------------------------------------------------------------------

// Returns line number `line`, from 1 on, without the blanks around it; "" where there is none.
char* line_of(const char* contents, std::size_t length, int line) {
  const char* const all = contents + length;
  const char* end = contents;
  for (;; contents = end + 1) {
    end = static_cast<const char*>(
        contents < all ? memchr(contents, '\n', static_cast<std::size_t>(all - contents))
                       : nullptr);
    if (end == nullptr) end = all;
    if (--line == 0 || end == all) break;
  }
  if (line > 0) return pstrdup("");
  const std::string_view trimmed = trim_blanks({contents, static_cast<size_t>(end - contents)});
  return pnstrdup(trimmed.data(), trimmed.size());
}

struct KeptText {
  KeptFile file;
  Secret contents;
};

KeptText kept_token_file;

bool read_token_file(const char* path, KeptText* kept, Failure* failure) {
  char contents[kMaxTokenFileSize];
  std::size_t length = 0;
  kept->contents = Secret();
  kept->file.path[0] = '\0';
  if (read_private_file(path, contents, sizeof contents, &length, failure, &kept->file.stamp)) {
    *failure = run_cpp([&] { kept->contents = Secret({contents, length}); });
    if (!failure->failed) strlcpy(kept->file.path, path, sizeof kept->file.path);
  }
  explicit_bzero(contents, sizeof contents);
  return !failure->failed;
}

// Returns the palloc'ed token in that line. Returns nullptr with `failure` filled, or without where
// the line is missing or blank.
char* token_from_file(const char* path, int line, Failure* failure) {
  KeptText& kept = kept_token_file;
  if (!kept.file.is_current(path) && !read_token_file(path, &kept, failure)) return nullptr;
  const std::string_view contents = kept.contents.view();
  char* token = line_of(contents.data(), contents.size(), line);
  return token[0] != '\0' ? token : nullptr;
}

}  // namespace

bool check_key_file(Failure* failure) {
  return read_key(settings::key_file, key_of(settings::key_file), failure);
}

char* seal_token(const pg_uuid_t& org_id, const char* token, Failure* failure) {
  const char* context = uuid_text(org_id);
  return with_key(
      settings::key_file,
      [&](const KeptKey& kept) { return copy_out(seal(kept.key(), token, context)); }, failure);
}

char* open_token(const pg_uuid_t& org_id, const char* sealed, Failure* failure) {
  char* token = open_with(settings::key_file, org_id, sealed, failure);
  if (token != nullptr || settings::old_key_file[0] == '\0') return token;
  Failure of_old_key;
  token = open_with(settings::old_key_file, org_id, sealed, &of_old_key);
  if (token != nullptr) *failure = Failure{};
  return token;
}

char* seal_anew(const pg_uuid_t& org_id, const char* sealed, Failure* failure) {
  char* token = open_with(settings::old_key_file, org_id, sealed, failure);
  char* anew = token != nullptr ? seal_token(org_id, token, failure) : nullptr;
  wipe_token(token);
  return anew;
}

char* key_id_of(const char* path, Failure* failure) {
  return with_key(
      path, [](const KeptKey& kept) { return copy_out(kept.key().key_id()); }, failure);
}

char* server_token(Failure* failure) {
  if (settings::twilio_auth_token_file[0] != '\0') {
    char* line = token_from_file(settings::twilio_auth_token_file, 1, failure);
    if (line == nullptr && !failure->failed)
      fail(failure, kKeyFile, "Its first line is the auth token.",
           "Write the token into it, or empty coach_sms.twilio_auth_token_file.",
           "token file \"%s\" holds no token", settings::twilio_auth_token_file);
    return line;
  }
  const char* token = settings::twilio_auth_token_from_environment();
  if (token[0] != '\0') return pstrdup(token);
  fail(failure, kNoSender, "An org without a token of its own uses the server's.",
       "Set coach_sms.twilio_auth_token_file, or write the org's own token into "
       "sms_settings.twilio_auth_token_encrypted.",
       "the server has no Twilio auth token");
  return nullptr;
}

char* second_server_token(Failure* failure) {
  if (settings::twilio_auth_token_file[0] == '\0') return nullptr;
  return token_from_file(settings::twilio_auth_token_file, 2, failure);
}

void wipe_token(char* token) {
  if (token == nullptr) return;
  explicit_bzero(token, strlen(token));
  pfree(token);
}

bool is_sealed_token(const char* text) {
  bool sealed = false;
  (void)run_cpp([&] { sealed = is_sealed(text); });
  return sealed;
}

}  // namespace coach_sms
