#include "pg/arming/arming.hpp"

#include "pg/arming/live_file.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

namespace {

const char* what_is_wrong_with_row(int64 system_identifier, int64 database) {
  if (system_identifier != static_cast<int64>(GetSystemIdentifier()))
    return "the database was copied from another server";
  if (database != static_cast<int64>(MyDatabaseId)) return "this is a copy of another database";
  return nullptr;
}

void lock_server_row() {
  static Statement lock{"LOCK TABLE @internal@.sms_server IN SHARE ROW EXCLUSIVE MODE", {}};
  lock.run();
}

// Warns where the database that this one was copied from is live. The row of a copy still names its
// original.
void warn_of_live_original() {
  static Statement read{
      "SELECT system_identifier, database_oid::bigint, arm_id FROM @internal@.sms_server"
      " WHERE mode = 'live'",
      {}};
  if (read.run() != 1) return;
  const int64 system = bigint_column(0, 1);
  const int64 database = bigint_column(0, 2);
  if (what_is_wrong_with_row(system, database) == nullptr) return;
  const char* file = live_file_of(system, static_cast<Oid>(database), uuid_column(0, 3));
  if (file == nullptr) return;
  ereport(WARNING,
          (errmsg("the database that this one was copied from is live too"),
           errdetail("File \"%s\" arms it. Messages that wait in both are sent by both.", file),
           errhint("Call sms_go_sandbox() there, or remove that file before its server starts.")));
}

// Writes mode and a new random id, and gives the id's text in `arm_id`.
void write_row(const char* mode, char (&arm_id)[kUuidTextLength + 1]) {
  static Statement write{R"sql(
      INSERT INTO @internal@.sms_server AS s
        (mode, system_identifier, database_oid, arm_id, changed_by)
       VALUES ($1, $2, $3, gen_random_uuid(), session_user)
       ON CONFLICT ON CONSTRAINT sms_server_pkey DO UPDATE
         SET mode = excluded.mode, arm_id = excluded.arm_id,
         system_identifier = excluded.system_identifier, database_oid = excluded.database_oid,
         changed_at = now(), changed_by = excluded.changed_by
       RETURNING arm_id::text)sql",
                         {TEXTOID, INT8OID, OIDOID}};
  write.run(mode, static_cast<int64>(GetSystemIdentifier()), MyDatabaseId);
  strlcpy(arm_id, text_column(0, 1), sizeof arm_id);
}

}  // namespace

Mode read_mode(const char** why) {
  static Statement read{
      "SELECT mode = 'live', system_identifier, database_oid::bigint, arm_id"
      "  FROM @internal@.sms_server",
      {}};
  *why = nullptr;
  if (read.run() != 1) {
    *why = "sms_server has no row";
    return Mode::kNotArmed;
  }
  const bool live = bool_column(0, 1);
  *why = what_is_wrong_with_row(bigint_column(0, 2), bigint_column(0, 3));
  if (*why == nullptr && live) *why = what_is_wrong_with_live_file(uuid_column(0, 4));
  if (*why != nullptr) return Mode::kNotArmed;
  return live ? Mode::kLive : Mode::kSandbox;
}

bool arm_live(Failure* failure) {
  if (!check_key_file(failure)) return false;
  lock_server_row();
  const char* why;
  if (read_mode(&why) == Mode::kLive) return true;
  char arm_id[kUuidTextLength + 1];
  warn_of_live_original();
  write_row("live", arm_id);
  return write_live_file(arm_id, failure);
}

void arm_sandbox() {
  lock_server_row();
  const char* why;
  read_mode(&why);  // renames a file of the old name, so that it is removed
  char arm_id[kUuidTextLength + 1];
  write_row("sandbox", arm_id);
  remove_live_file_at_commit();
}

const char* word_for(Mode mode) {
  switch (mode) {
    case Mode::kSandbox:
      return "sandbox";
    case Mode::kLive:
      return "live";
    case Mode::kNotArmed:
      break;
  }
  return "not armed";
}

}  // namespace coach_sms
