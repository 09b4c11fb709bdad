#include "pg/base/cpp_boundary.hpp"

#include "pg/facts/facts.hpp"

#include "pg/facts/own_tokens.hpp"
#include "pg/facts/sending_address.hpp"
#include "pg/settings.hpp"
#include "pg/shared/commit_signals.hpp"
#include "pg/tables/definitions.hpp"

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

void fill_org(const Row& row) {
  namespace column = org_settings;
  org.known = true;
  org.enabled = row.flag(column::kEnabled);
  strlcpy(org.region, row.copy_text(column::kDefaultRegion, ""), sizeof org.region);
  org.has_sender = address_of_org(row).sender()[0] != '\0';
  org.has_account = own_tokens_of(row).sealed != nullptr || server_has_account();
  org.max_segments = row.number(column::kMaxSegments);
  org.max_per_client_per_day =
      row.is_null(column::kMaxSmsPerClientPerDay) ? -1 : row.number(column::kMaxSmsPerClientPerDay);
}

void read_org(const pg_uuid_t& org_id) {
  org_read_in = 0;
  org = OrgFacts{};
  org.org_id = org_id;
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(org.org_id)}}, fill_org);
  org_read_in = GetCurrentStatementStartTimestamp();
}

// Reads the newest active version.
void read_template(const pg_uuid_t& org_id, const char* key) {
  template_read_in = 0;
  if (message_template.body != nullptr) pfree(message_template.body);
  message_template = TemplateFacts{};
  message_template.org_id = org_id;
  strlcpy(message_template.key, key, sizeof message_template.key);
  int version = 0;
  const char* body = nullptr;
  read_rows(&templates::table,
            {{templates::kOrgId, Parameter(message_template.org_id)},
             {templates::kTemplateKey, Parameter(key)}},
            [&](const Row& row) {
              if (!row.flag(templates::kIsActive) || row.number(templates::kVersion) <= version)
                return;
              version = row.number(templates::kVersion);
              message_template.known = true;
              message_template.id = row.uuid(templates::kId);
              body = row.copy_text(templates::kBody, "");
            });
  if (body != nullptr)
    message_template.body = MemoryContextStrdup(TopMemoryContext, utf8_view(body).data());
  // A key that does not fit is not cached: cut, it could be another key.
  if (strlen(key) < sizeof message_template.key)
    template_read_in = GetCurrentStatementStartTimestamp();
}

void keep_salt(const Row& row) {
  bool is_null;
  const bytea* found = DatumGetByteaPP(row.datum(phone_salt::kSalt, &is_null));
  salt = static_cast<bytea*>(MemoryContextAlloc(TopMemoryContext, VARSIZE_ANY(found)));
  memcpy(salt, found, VARSIZE_ANY(found));
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
  if (is_fresh(mode_read_in)) return live;
  live = false;
  read_rows(&server::table, {{server::kSingleton, Parameter(true)}},
            [](const Row& row) { live = row.text_is(server::kMode, "live"); });
  mode_read_in = GetCurrentStatementStartTimestamp();
  return live;
}

const bytea* find_phone_salt() {
  if (is_fresh(salt_read_in)) return salt;
  salt_read_in = 0;
  if (salt != nullptr) pfree(salt);
  salt = nullptr;
  read_rows(&phone_salt::table, {{phone_salt::kSingleton, Parameter(true)}}, keep_salt);
  salt_read_in = GetCurrentStatementStartTimestamp();
  return salt;
}

void forget_cached() {
  org_read_in = template_read_in = mode_read_in = salt_read_in = 0;
}

void define_facts() {
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
