#include "core/crypto/payload_hash.hpp"
#include "core/text/message_template.hpp"
#include "core/text/phone_number.hpp"
#include "core/text/segments.hpp"
#include "core/text/template_variables.hpp"
#include "core/twilio/sender_address.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/base/time_zones.hpp"
#include "pg/base/uuids.hpp"
#include "pg/enqueue/message_request.hpp"
#include "pg/enqueue/message_times.hpp"
#include "pg/facts/facts.hpp"
#include "pg/limits/client_limits.hpp"
#include "pg/settings.hpp"
#include "pg/tenancy/tenancy.hpp"

namespace coach_sms {

namespace {

void fail_unknown_org(const MessageRequest& wanted, Failure* failure) {
  fail(failure, kUnknownOrg, "The org has no row in sms_settings.",
       "Insert its settings first: INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES "
       "(...).",
       "unknown org %s", uuid_text(wanted.org_id));
}

bool check_org(const MessageRequest& wanted, const OrgFacts& org, const PreparedMessage& ready,
               Failure* failure) {
  const bool live = !ready.sandbox;
  if (!org.known)
    fail_unknown_org(wanted, failure);
  else if (!org.enabled)
    fail(failure, kOrgDisabled, "sms_settings.enabled is false for it.",
         "UPDATE sms_settings SET enabled = true to send again.", "org %s is disabled",
         uuid_text(wanted.org_id));
  else if (live && !org.has_sender && ready.from_phone == nullptr)
    fail(failure, kNoSender,
         "Neither the org nor the server names a Messaging Service or a number to send from.",
         "Set sms_settings.twilio_messaging_service_sid or twilio_phone_number, or the settings of "
         "the same names under coach_sms.",
         "no sender is configured for org %s", uuid_text(wanted.org_id));
  else if (live && !org.has_account)
    fail(failure, kNoSender, "Neither the org nor the server has a Twilio account with its token.",
         "Call sms_set_twilio_credentials(), or set coach_sms.twilio_account_sid and "
         "coach_sms.twilio_auth_token_file.",
         "no Twilio account is configured for org %s", uuid_text(wanted.org_id));
  return !failure->failed;
}

// Reads the message's own sender, in the form that Twilio takes.
bool read_sender(const MessageRequest& wanted, const OrgFacts& org, PreparedMessage* ready,
                 Failure* failure) {
  if (wanted.from_phone == nullptr || !org.known) return true;
  const std::string_view sender = utf8_view(wanted.from_phone);
  char* address = nullptr;
  *failure = run_cpp([&] { address = copy_out(normalize_sender(sender, org.region)); });
  if (!failure->failed && address[0] != '\0') ready->from_phone = cstring_to_text(address);
  return !failure->failed;
}

bool read_times(const MessageRequest& wanted, PreparedMessage* ready, Failure* failure) {
  const TimestampTz now = GetCurrentTransactionStartTimestamp();
  ready->scheduled_for = wanted.has_scheduled_for ? wanted.scheduled_for : now;
  ready->due_at = ready->scheduled_for > now ? ready->scheduled_for : now;
  return check_times(ready->scheduled_for, wanted.has_expires_at ? &wanted.expires_at : nullptr,
                     failure);
}

bool check_source(const MessageRequest& wanted, Failure* failure) {
  if ((wanted.template_key == nullptr) != (wanted.body == nullptr)) return true;
  fail(failure, kBadBody, "A message is made from a template or from a body of its own.",
       "Give template_key or body, and leave the other out.",
       wanted.body != nullptr ? "both template_key and body were given"
                              : "neither template_key nor body was given");
  return false;
}

bool check_recipient(const MessageRequest& wanted, Failure* failure) {
  if (wanted.to_phone != nullptr) return true;
  fail(failure, kBadPhone, "A message goes to exactly one number.", "Give to_phone.",
       "to_phone was not given");
  return false;
}

// Checks the key's length: it is a part of an index row, which must fit on a third of a page
// (BTMaxItemSize).
bool check_key(const MessageRequest& wanted, Failure* failure) {
  constexpr std::size_t kLongestKey = 512;
  if (wanted.idempotency_key == nullptr || strlen(wanted.idempotency_key) <= kLongestKey)
    return true;
  fail(failure, kBadArgument, "An idempotency key has at most 512 bytes.",
       "Use a hash of a longer key, for example md5(...).",
       "idempotency key \"%s...\" has %zu bytes", clipped(wanted.idempotency_key, 40),
       strlen(wanted.idempotency_key));
  return false;
}

const TemplateFacts* check_template(const MessageRequest& wanted, Failure* failure) {
  const TemplateFacts* found = find_template(wanted.org_id, wanted.template_key);
  if (found->known) return found;
  fail(failure, kBadTemplate, "The org has no active template of that key.",
       "Insert it into sms_templates, or set is_active.", "unknown template \"%s\"",
       clipped(wanted.template_key, 100));
  return nullptr;
}

// Composes number and body on the C++ side of the boundary. `variables` is JSON text.
Failure compose(const MessageRequest& wanted, const char* region, std::string_view template_body,
                std::string_view variables, PreparedMessage* ready) {
  const std::string_view phone = utf8_view(wanted.to_phone);
  const std::string_view own_body = wanted.body != nullptr ? utf8_view(wanted.body) : "";
  struct {
    char* phone;
    char* body;
    char* country;
  } made{};
  const bool any_country = settings::allowed_countries[0] == '\0';
  Failure failure = run_cpp([&] {
    const Variables values = Variables::parse(variables);
    const std::string body =
        wanted.body != nullptr ? std::string(own_body) : render_template(template_body, values);
    check_body(body);
    const Segments counted = count_segments(body);
    ready->encoding = encoding_name(counted.encoding);
    ready->segments = counted.segments;
    const std::string number = normalize_phone(phone, region);
    made.phone = copy_out(number);
    made.body = copy_out(body);
    if (!any_country) made.country = copy_out(country_of(number));
  });
  if (failure.failed) return failure;
  ready->country = made.country;
  ready->to_phone = text_from_utf8(made.phone);
  ready->body = text_from_utf8(made.body);
  return failure;
}

std::string_view variables_text(const MessageRequest& wanted) {
  if (wanted.variables == nullptr) return "{}";
  return utf8_view(JsonbToCString(nullptr, &wanted.variables->root,
                                  static_cast<int>(VARSIZE(wanted.variables))));
}

// --- the org's rules ----------------------------------------------------------------------------

bool check_zone(const MessageRequest& wanted, Failure* failure) {
  JsonbValue zone;
  if (wanted.metadata == nullptr ||
      getKeyJsonValueFromContainer(&wanted.metadata->root, "timezone", 8, &zone) == nullptr ||
      zone.type == jbvNull)
    return true;
  const char* name =
      zone.type == jbvString ? pnstrdup(zone.val.string.val, zone.val.string.len) : "";
  if (is_zone(name)) return true;
  fail(failure, kBadZone, "It was given as metadata.timezone.",
       "Use an IANA name, for example Australia/Sydney; pg_timezone_names lists them.",
       "unknown time zone \"%s\"", clipped(name, 100));
  return false;
}

bool check_segments(const PreparedMessage& ready, const OrgFacts& org, Failure* failure) {
  if (org.max_segments == 0 || ready.segments <= org.max_segments) return true;
  fail(failure, kTooManySegments,
       psprintf("The org's max_segments is %d; the text is %s.", org.max_segments, ready.encoding),
       "Shorten the text; characters outside GSM-7 (curly quotes, emoji) make it longer: "
       "sms_smart_encode() replaces many of them.",
       "the message has %d segments", ready.segments);
  return false;
}

bool check_country(const PreparedMessage& ready, Failure* failure) {
  if (ready.country == nullptr || settings::country_is_allowed(ready.country)) return true;
  fail(failure, kCountryNotAllowed,
       psprintf("coach_sms.allowed_countries is \"%s\".", settings::allowed_countries),
       "Add the country to the setting if you mean to send there.", "%s is a number of %s",
       text_to_cstring(ready.to_phone), ready.country[0] != '\0' ? ready.country : "no country");
  return false;
}

// Returns whether the key has a message already. Such a call makes no new message, so the client's
// limit does not apply.
bool key_is_known(const MessageRequest& wanted) {
  static Statement find{"SELECT WHERE @internal@.sms_message_with_key($1, $2) IS NOT NULL",
                        {UUIDOID, TEXTOID}};
  return wanted.idempotency_key != nullptr && find.run(wanted.org_id, wanted.idempotency_key) > 0;
}

int count_for_client(const MessageRequest& wanted, const PreparedMessage& ready) {
  const pg_uuid_t* id = wanted.has_client_id ? &wanted.client_id : nullptr;
  const Client client = client_of(wanted.org_id, id, ready.to_phone, ready.sandbox);
  Command command;
  ClientCounter counter;
  command.begin();
  counter.open(&command);
  const int count = counter.count_until(client, ready.due_at);
  counter.close();
  command.end();
  return count;
}

bool check_client_limit(const MessageRequest& wanted, const PreparedMessage& ready,
                        const OrgFacts& org, Failure* failure) {
  if (org.max_per_client_per_day < 0 ||
      count_for_client(wanted, ready) < org.max_per_client_per_day || key_is_known(wanted))
    return true;
  fail(failure, kClientLimit,
       psprintf("The org's max_sms_per_client_per_day is %d. Messages handed over in the 24 hours "
                "before %s and messages that wait until then count.",
                org.max_per_client_per_day, timestamptz_to_str(ready.due_at)),
       "Enqueue it for another day, or raise the limit in sms_settings.",
       "client %s has reached the daily limit",
       wanted.has_client_id ? uuid_text(wanted.client_id) : text_to_cstring(ready.to_phone));
  return false;
}

}  // namespace

bytea* hash_payload(const MessageRequest& wanted, text* to_phone, Failure* failure) {
  const std::string_view variables = variables_text(wanted);
  auto* hash = static_cast<bytea*>(palloc(VARHDRSZ + sizeof(PayloadHash)));
  SET_VARSIZE(hash, VARHDRSZ + sizeof(PayloadHash));
  const std::string_view org(reinterpret_cast<const char*>(&wanted.org_id), UUID_LEN);
  const std::string_view phone(VARDATA_ANY(to_phone), VARSIZE_ANY_EXHDR(to_phone));
  const std::string_view kind = wanted.body != nullptr ? "body" : "template";
  const char* source = wanted.body != nullptr ? wanted.body : wanted.template_key;
  const std::string_view words = source != nullptr ? source : "";
  *failure = run_cpp([&] {
    const PayloadHash made = payload_hash({org, phone, kind, words, variables});
    memcpy(VARDATA(hash), made.data(), made.size());
  });
  return hash;
}

void require_org(bool given) {
  if (!given)
    ereport(ERROR, (errcode(kUnknownOrg), errmsg("org_id is null"),
                    errdetail("Every message belongs to an org."),
                    errhint("Give the org_id of a row in sms_settings.")));
}

void require_object(Jsonb* value, const char* name) {
  if (value != nullptr && !JB_ROOT_IS_OBJECT(value))
    ereport(ERROR, (errcode(kBadVariables), errmsg("%s is not a JSON object", name),
                    errdetail("It must be an object, as in {\"client_name\": \"Ann\"}."),
                    errhint("Build it with jsonb_build_object().")));
}

bool may_send(const MessageRequest& wanted, Failure* failure) {
  if (!acts_for_org(wanted.role, wanted.org_id)) fail_unknown_org(wanted, failure);
  return !failure->failed;
}

bool prepare_message(const MessageRequest& wanted, PreparedMessage* ready, Failure* failure) {
  *ready = PreparedMessage{};
  const OrgFacts* org = find_org(wanted.org_id);
  ready->sandbox = !database_is_live();
  if (!read_sender(wanted, *org, ready, failure) || !check_org(wanted, *org, *ready, failure) ||
      !check_source(wanted, failure) || !check_recipient(wanted, failure) ||
      !check_key(wanted, failure) || !read_times(wanted, ready, failure))
    return false;
  std::string_view template_body;
  if (wanted.template_key != nullptr) {
    const TemplateFacts* found = check_template(wanted, failure);
    if (found == nullptr) return false;
    template_body = found->body;
    ready->has_template_id = true;
    ready->template_id = found->id;
  }
  const std::string_view variables = variables_text(wanted);
  *failure = compose(wanted, org->region, template_body, variables, ready);
  if (failure->failed) return false;
  if (!check_zone(wanted, failure) || !check_segments(*ready, *org, failure) ||
      !check_country(*ready, failure) || !check_client_limit(wanted, *ready, *org, failure))
    return false;
  if (wanted.idempotency_key != nullptr)
    ready->payload_hash = hash_payload(wanted, ready->to_phone, failure);
  ready->id = new_uuidv7(GetCurrentTimestamp());
  return !failure->failed;
}

}  // namespace coach_sms
