#include <sys/stat.h>
#include <unistd.h>

#include "pg/arming/live_file.hpp"

#include "pg/arming/timeline_history.hpp"
#include "pg/base/uuids.hpp"
#include "pg/secrets/private_file.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr char kFileFormat[] = "%s %u\n";
constexpr int kLongestFile = kUuidTextLength + sizeof " 4294967295\n";

char file_to_remove[MAXPGPATH];

void at_end_of_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT && file_to_remove[0] != '\0') unlink(file_to_remove);
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
    file_to_remove[0] = '\0';
}

void at_end_of_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) file_to_remove[0] = '\0';
}

const char* path_of(uint64 system_identifier, Oid database) {
  return psprintf("%s.live." UINT64_FORMAT ".%u", settings::key_file, system_identifier, database);
}

const char* old_path_of(Oid database) {
  return psprintf("%s.live.%u", settings::key_file, database);
}

const char* live_file() {
  return path_of(GetSystemIdentifier(), MyDatabaseId);
}

// Returns why the file does not hold this id, in the current memory context; nullptr where it does.
// Fills `stamp` unless it is nullptr.
const char* read_file(const char* path, const pg_uuid_t& arm_id, TimeLineID* timeline,
                      FileStamp* stamp = nullptr) {
  char contents[kLongestFile + 1];
  std::size_t length = 0;
  Failure failure;
  if (!read_private_file(path, contents, kLongestFile, &length, &failure, stamp))
    return pstrdup(failure.message);
  contents[length] = '\0';
  if (strncmp(contents, uuid_text(arm_id), kUuidTextLength) == 0 &&
      sscanf(contents + kUuidTextLength, " %u", timeline) == 1)
    return nullptr;
  return psprintf("file \"%s\" was not written for this database as it is now", path);
}

// Renames a file of the old name that holds this id. A standby leaves that to its primary, whose
// library may be older. Returns why the file does not arm; nullptr where it does.
const char* take_over_old_file(const pg_uuid_t& arm_id, TimeLineID* timeline, const char* why) {
  const char* old_path = old_path_of(MyDatabaseId);
  const bool is_ours = read_file(old_path, arm_id, timeline) == nullptr;
  if (is_ours && RecoveryInProgress()) return nullptr;
  Failure failure;
  if (is_ours && !rename_private_file(old_path, live_file(), &failure)) why = failure.message;
  // Another process may have renamed it meanwhile.
  const char* still = read_file(live_file(), arm_id, timeline);
  return still == nullptr ? nullptr : pstrdup(why);
}

}  // namespace

namespace {

// The live file as it was when it last armed this server. The sender asks for each batch, and a
// whole check reads each folder of the path.
struct {
  FileStamp stamp;
  pg_uuid_t arm_id;
  TimestampTz checked_at;
} proven;

constexpr int64 kProvenFor = USECS_PER_SEC;

// Returns whether the file armed this server less than a second ago and has not changed since.
bool is_proven(const pg_uuid_t& arm_id) {
  const int64 age = GetCurrentTimestamp() - proven.checked_at;
  return age >= 0 && age < kProvenFor && memcmp(&proven.arm_id, &arm_id, UUID_LEN) == 0 &&
         is_unchanged(live_file(), proven.stamp);
}

}  // namespace

const char* what_is_wrong_with_live_file(const pg_uuid_t& arm_id) {
  if (settings::key_file[0] == '\0') return "coach_sms.key_file is not set on this server";
  if (is_proven(arm_id)) return nullptr;
  FileStamp stamp{};
  TimeLineID timeline = 0;
  const char* why = read_file(live_file(), arm_id, &timeline, &stamp);
  if (why != nullptr) why = take_over_old_file(arm_id, &timeline, why);
  if (why != nullptr || RecoveryInProgress()) return why;
  const char* target = recovery_target_since(timeline);
  if (target == nullptr) proven = {stamp, arm_id, GetCurrentTimestamp()};
  return target == nullptr
             ? nullptr
             : psprintf(
                   "the server was recovered to an earlier time (%s), and does not know "
                   "the messages that it sent after that",
                   target);
}

const char* live_file_of(int64 system_identifier, Oid database, const pg_uuid_t& arm_id) {
  const char* const paths[] = {path_of(static_cast<uint64>(system_identifier), database),
                               old_path_of(database)};
  TimeLineID timeline;
  for (const char* path : paths)
    if (read_file(path, arm_id, &timeline) == nullptr) return path;
  return nullptr;
}

bool write_live_file(const char* arm_id, Failure* failure) {
  file_to_remove[0] = '\0';
  const char* line = psprintf(kFileFormat, arm_id, GetWALInsertionTimeLine());
  return replace_private_file(live_file(), line, strlen(line), failure);
}

void remove_live_file_at_commit() {
  static bool registered;
  if (settings::key_file[0] == '\0') return;
  if (!registered) {
    RegisterXactCallback(at_end_of_transaction, nullptr);
    RegisterSubXactCallback(at_end_of_subtransaction, nullptr);
    registered = true;
  }
  // A path that was cut would name another file.
  if (strlcpy(file_to_remove, live_file(), sizeof file_to_remove) >= sizeof file_to_remove)
    file_to_remove[0] = '\0';
}

const char* foreign_live_file() {
  if (settings::key_file[0] == '\0' || RecoveryInProgress()) return nullptr;
  const char* path = old_path_of(MyDatabaseId);
  struct stat info;
  return lstat(path, &info) == 0 ? path : nullptr;
}

}  // namespace coach_sms
