#include "pg/base/cpp_boundary.hpp"

#include "pg/enqueue/enqueue_cache.hpp"

#include "pg/base/statement.hpp"
#include "pg/settings.hpp"
#include "pg/shared/commit_signals.hpp"

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_forget_facts);
}

namespace coach_sms {

namespace {

// The start time of the statement in which each fact was read; 0: not read.
TimestampTz org_read_in = 0;
TimestampTz template_read_in = 0;
TimestampTz mode_read_in = 0;
TimestampTz salt_read_in = 0;
OrgFacts org;
TemplateFacts message_template;
bool live;
bytea* salt;

bool is_fresh(TimestampTz read_in) {
  return read_in == GetCurrentStatementStartTimestamp();
}

void at_transaction_event(XactEvent, void*) {
  forget_cached();
}

void at_subtransaction_event(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) forget_cached();
}

bool server_has_account() {
  return settings::twilio_account_sid()[0] != '\0' &&
         (settings::twilio_auth_token_file[0] != '\0' ||
          settings::twilio_auth_token_from_environment()[0] != '\0');
}

void read_org(const pg_uuid_t& org_id) {
  static Statement read{R"sql(
      SELECT enabled, default_region,
             coalesce(twilio_messaging_service_sid, '') <> ''
               OR coalesce(twilio_phone_number, '') <> '',
             twilio_auth_token_encrypted IS NOT NULL AND coalesce(twilio_account_sid, '') <> '',
             coalesce(max_segments, 0), coalesce(max_sms_per_client_per_day, -1)
        FROM @extschema@.sms_settings WHERE org_id = $1)sql",
                        {UUIDOID}};
  org_read_in = 0;
  org = OrgFacts{};
  org.org_id = org_id;
  if (read.run(org.org_id) == 1) {
    org.known = true;
    org.enabled = bool_column(0, 1);
    strlcpy(org.region, text_column(0, 2), sizeof org.region);
    org.has_sender = bool_column(0, 3) || settings::twilio_messaging_service_sid[0] != '\0' ||
                     settings::twilio_phone_number[0] != '\0';
    org.has_account = bool_column(0, 4) || server_has_account();
    org.max_segments = int_column(0, 5);
    org.max_per_client_per_day = int_column(0, 6);
  }
  org_read_in = GetCurrentStatementStartTimestamp();
}

void read_template(const pg_uuid_t& org_id, const char* key) {
  static Statement read{
      "SELECT id, body FROM @extschema@.sms_templates"
      " WHERE org_id = $1 AND template_key = $2 AND is_active ORDER BY version DESC LIMIT 1",
      {UUIDOID, TEXTOID}};
  template_read_in = 0;
  if (message_template.body != nullptr) pfree(message_template.body);
  message_template = TemplateFacts{};
  message_template.org_id = org_id;
  strlcpy(message_template.key, key, sizeof message_template.key);
  if (read.run(message_template.org_id, key) == 1) {
    message_template.known = true;
    message_template.id = uuid_column(0, 1);
    const std::string_view body = utf8_view(text_column(0, 2));
    message_template.body = MemoryContextStrdup(TopMemoryContext, body.data());
  }
  // A key that does not fit is not cached: cut, it could be another key.
  if (strlen(key) < sizeof message_template.key)
    template_read_in = GetCurrentStatementStartTimestamp();
}

}  // namespace

const OrgFacts* find_org(const pg_uuid_t& org_id) {
  if (!is_fresh(org_read_in) || memcmp(&org.org_id, &org_id, UUID_LEN) != 0) read_org(org_id);
  return &org;
}

const TemplateFacts* find_template(const pg_uuid_t& org_id, const char* key) {
  if (!is_fresh(template_read_in) || memcmp(&message_template.org_id, &org_id, UUID_LEN) != 0 ||
      strcmp(message_template.key, key) != 0)
    read_template(org_id, key);
  return &message_template;
}

bool database_is_live() {
  static Statement read{"SELECT mode = 'live' FROM @internal@.sms_server", {}};
  if (is_fresh(mode_read_in)) return live;
  live = read.run() == 1 && bool_column(0, 1);
  mode_read_in = GetCurrentStatementStartTimestamp();
  return live;
}

const bytea* find_phone_salt() {
  static Statement read{"SELECT salt FROM @extschema@.sms_phone_salt", {}};
  if (is_fresh(salt_read_in)) return salt;
  salt_read_in = 0;
  if (salt != nullptr) pfree(salt);
  salt = nullptr;
  if (read.run() == 1) {
    bool is_null;
    const bytea* found = DatumGetByteaPP(datum_column(0, 1, &is_null));
    salt = static_cast<bytea*>(MemoryContextAlloc(TopMemoryContext, VARSIZE_ANY(found)));
    memcpy(salt, found, VARSIZE_ANY(found));
  }
  salt_read_in = GetCurrentStatementStartTimestamp();
  return salt;
}

void forget_cached() {
  org_read_in = template_read_in = mode_read_in = salt_read_in = 0;
}

void define_enqueue_cache() {
  RegisterXactCallback(at_transaction_event, nullptr);
  RegisterSubXactCallback(at_subtransaction_event, nullptr);
}

}  // namespace coach_sms

using namespace coach_sms;

// Trigger on the tables whose rows are cached for a statement: clears the cache. With an argument
// it also wakes the sender at commit.
Datum coach_sms_forget_facts(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  forget_cached();
  if (reinterpret_cast<TriggerData*>(fcinfo->context)->tg_trigger->tgnargs > 0)
    wake_sender_at_commit();
  return Datum{0};
}
