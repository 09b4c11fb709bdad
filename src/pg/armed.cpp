#include <unistd.h>

#include "pg/armed.hpp"

#include "pg/private_file.hpp"
#include "pg/secrets.hpp"
#include "pg/settings.hpp"
#include "pg/statement.hpp"
#include "pg/timelines.hpp"
#include "pg/uuids.hpp"

#include "pg/pg_api.hpp"

namespace coach_sms {

namespace {

constexpr int kIdLength = 36;  // of a UUID's text
// The file: the id, and the timeline on which it was written.
constexpr char kFileFormat[] = "%s %u\n";
constexpr int kLongestFile = kIdLength + sizeof " 4294967295\n";

// The file to remove once the transaction that went to the sandbox has committed. Kept where a
// savepoint rolls back or the transaction is prepared: it has no power any more.
char file_to_remove[MAXPGPATH];

void at_end_of_transaction(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT && file_to_remove[0] != '\0') unlink(file_to_remove);
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
    file_to_remove[0] = '\0';
}

void at_end_of_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) file_to_remove[0] = '\0';
}

void remove_at_commit(const char* path) {
  static bool registered;
  if (!registered) {
    RegisterXactCallback(at_end_of_transaction, nullptr);
    RegisterSubXactCallback(at_end_of_subtransaction, nullptr);
    registered = true;
  }
  strlcpy(file_to_remove, path, sizeof file_to_remove);
}

const char* live_file() {
  return psprintf("%s.live.%u", settings::key_file, MyDatabaseId);
}

// Why the file does not arm this id; nullptr where it does.
const char* what_is_wrong_with_file(const pg_uuid_t& arm_id) {
  if (settings::key_file[0] == '\0') return "coach_sms.key_file is not set on this server";
  char contents[kLongestFile + 1];
  std::size_t length = 0;
  Failure failure;
  if (!read_private_file(live_file(), contents, kLongestFile, &length, &failure))
    return pstrdup(failure.message);
  contents[length] = '\0';
  TimeLineID timeline = 0;
  if (strncmp(contents, uuid_text(arm_id), kIdLength) != 0 ||
      sscanf(contents + kIdLength, " %u", &timeline) != 1)
    return psprintf("file \"%s\" was not written for this database as it is now", live_file());
  if (RecoveryInProgress()) return nullptr;
  const char* target = recovery_target_since(timeline);
  return target == nullptr
             ? nullptr
             : psprintf(
                   "the server was recovered to an earlier time (%s), and what it sent after "
                   "that is not known here",
                   target);
}

const char* what_is_wrong_with_row(int64 system_identifier, int64 database) {
  if (system_identifier != static_cast<int64>(GetSystemIdentifier()))
    return "the database was copied from another server";
  if (database != static_cast<int64>(MyDatabaseId)) return "this is a copy of another database";
  return nullptr;
}

void lock_server_row() {
  static Statement lock{"LOCK TABLE @extschema@.sms_server IN SHARE ROW EXCLUSIVE MODE", {}};
  lock.run(std::initializer_list<Datum>{});
}

// Writes mode and a new random id; `arm_id` gets its text.
void write_row(const char* mode, char (&arm_id)[kIdLength + 1]) {
  static Statement write{
      "INSERT INTO @extschema@.sms_server AS s"
      "  (mode, system_identifier, database_oid, arm_id, changed_by)"
      " VALUES ($1, $2, $3, gen_random_uuid(), session_user)"
      " ON CONFLICT ON CONSTRAINT sms_server_pkey DO UPDATE SET mode = excluded.mode, arm_id = "
      "excluded.arm_id,"
      "   system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,"
      "   changed_at = now(), changed_by = excluded.changed_by"
      " RETURNING arm_id::text",
      {TEXTOID, INT8OID, OIDOID}};
  write.run({CStringGetTextDatum(mode), Int64GetDatum(static_cast<int64>(GetSystemIdentifier())),
             ObjectIdGetDatum(MyDatabaseId)});
  strlcpy(arm_id, text_column(0, 1), sizeof arm_id);
}

}  // namespace

Mode read_mode(const char** why) {
  static Statement read{
      "SELECT mode = 'live', system_identifier, database_oid::bigint, arm_id"
      "  FROM @extschema@.sms_server",
      {}};
  *why = nullptr;
  if (read.run(std::initializer_list<Datum>{}) != 1) {
    *why = "sms_server has no row";
    return Mode::kNotArmed;
  }
  const bool live = bool_column(0, 1);
  *why = what_is_wrong_with_row(bigint_column(0, 2), bigint_column(0, 3));
  if (*why == nullptr && live) *why = what_is_wrong_with_file(uuid_column(0, 4));
  if (*why != nullptr) return Mode::kNotArmed;
  return live ? Mode::kLive : Mode::kSandbox;
}

bool arm_live(Failure* failure) {
  if (!check_key_file(failure)) return false;
  lock_server_row();
  const char* why;
  if (read_mode(&why) == Mode::kLive) return true;
  char arm_id[kIdLength + 1];
  write_row("live", arm_id);
  file_to_remove[0] = '\0';
  const char* line = psprintf(kFileFormat, arm_id, current_timeline());
  return replace_private_file(live_file(), line, strlen(line), failure);
}

void arm_sandbox() {
  lock_server_row();
  char arm_id[kIdLength + 1];
  write_row("sandbox", arm_id);
  if (settings::key_file[0] != '\0') remove_at_commit(live_file());
}

}  // namespace coach_sms
