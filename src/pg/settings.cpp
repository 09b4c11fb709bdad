#include <arpa/inet.h>

#include "core/base/ascii.hpp"
#include "core/base/url.hpp"
#include "core/text/blanks.hpp"
#include "core/twilio/sender_address.hpp"
#include "core/twilio/twilio_sid.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms::settings {

char* databases;
int max_in_flight;
int max_in_flight_per_account;
int batch_size;
int poll_interval;
int request_timeout;
int connect_timeout;
int lease_duration;
int max_attempts;
int retry_base_delay;
int retry_max_delay;
int reconcile_delay;
int reconcile_limit;
int max_wait;
char* twilio_api_url;
char* twilio_auth_token_file;
char* twilio_phone_number;
char* twilio_messaging_service_sid;
char* proxy;
char* ca_file;
char* public_url;
char* key_file;
char* old_key_file;
char* allowed_countries;
int quiet_hours_spread;
int fetch_delay;
bool fetch_prices;
bool notify;
char* tenancy_function;
char* jwt_authenticators;

namespace {

constexpr int kSecond = 1000;
constexpr int kMinute = 60 * kSecond;
constexpr int kHour = 60 * kMinute;
constexpr int kDay = 24 * kHour;
constexpr int kLeaseMargin = 5 * kSecond;

char* account_sid_setting;
char* webapp_url_setting;

const char* setting_or_environment(const char* setting, const char* variable) {
  if (setting[0] != '\0') return setting;
  const char* value = getenv(variable);
  return value != nullptr ? value : "";
}

const char* taken_token = nullptr;

char* trimmed_copy(const char* text) {
  const std::string_view trimmed = trim_blanks(text);
  return strndup(trimmed.data(), trimmed.size());
}

// Moves TWILIO_AUTH_TOKEN out of the environment, which every child process inherits. There a
// trusted procedural language could show it to any role, and archive_command's program would get
// it.
void take_token() {
  char* value = getenv("TWILIO_AUTH_TOKEN");
  if (value == nullptr) return;
  taken_token = trimmed_copy(value);
  explicit_bzero(value, strlen(value));
  unsetenv("TWILIO_AUTH_TOKEN");
}

// --- URLs -----------------------------------------------------------------------------------

bool refuse(const char* why) {
  GUC_check_errdetail("%s", why);
  return false;
}

bool has_forbidden_character(const char* url) {
  for (const char* c = url; *c != '\0'; c++) {
    if (static_cast<unsigned char>(*c) <= ' ' || *c == 0x7f || strchr("@?#\\\"<>", *c) != nullptr)
      return true;
  }
  return false;
}

bool host_is_loopback(std::string_view host) {
  if (host == "[::1]" || equals_ignoring_case(host, "localhost")) return true;
  char* address = pnstrdup(host.data(), host.size());
  in_addr v4;
  const bool is_v4 = inet_pton(AF_INET, address, &v4) == 1;
  pfree(address);
  return is_v4 && (ntohl(v4.s_addr) >> 24) == 127;
}

bool check_web_url(char** value, void**, GucSource) {
  if ((*value)[0] == '\0') return true;
  const std::optional<UrlParts> url = split_url(*value);
  if (has_forbidden_character(*value) || !url || !is_web_url(*url) || url->port == ":")
    return refuse(
        "It must be an http:// or https:// URL with a host, and without user, query or fragment.");
  return true;
}

bool check_api_url(char** value, void** extra, GucSource source) {
  if ((*value)[0] == '\0') return refuse("It cannot be empty.");
  if (!check_web_url(value, extra, source)) return false;
  const std::optional<UrlParts> url = split_url(*value);
  if (url && !is_https(*url) && !host_is_loopback(url->host))
    return refuse("Tokens travel to this URL: it must be https:// unless its host is loopback.");
  return true;
}

// --- senders and SIDs -----------------------------------------------------------------------

bool defining = false;

// Returns whether a WARNING reaches the person who sets the value, by ALTER SYSTEM or in the file.
// Every other process checks the value too, and every parallel worker again.
bool warns() {
  if (!IsUnderPostmaster) return true;
  return IsTransactionState() && !defining && !InitializingParallelWorker;
}

bool check_sender(char** value, void**, GucSource) {
  char* address = nullptr;
  const Failure failure = run_cpp([&] { address = copy_out(normalize_sender(*value, "")); });
  if (failure.failed) {
    GUC_check_errdetail("%s", failure.detail);
    GUC_check_errhint("%s", failure.hint);
    return false;
  }
  return replace_setting(value, address);
}

// Trims the value. Accepts a value that cannot be a SID, with a WARNING: sms_doctor() shows it, so
// that it can be corrected.
bool check_sid(char** value, std::string_view prefix, const char* name) {
  const std::string_view trimmed = trim_blanks(*value);
  if (!replace_setting(value, pnstrdup(trimmed.data(), trimmed.size()))) return false;
  if ((*value)[0] == '\0' || is_sid(*value, prefix) || !warns()) return true;
  ereport(WARNING, (errmsg("coach_sms.%s \"%s\" cannot be a SID", name, *value),
                    errdetail("Messages that need it wait until it is corrected."),
                    errhint("Copy the SID from the Twilio console: %.2s and 32 hex digits.",
                            prefix.data())));
  return true;
}

bool check_account_sid(char** value, void**, GucSource) {
  return check_sid(value, kAccountSid, "twilio_account_sid");
}

bool check_service_sid(char** value, void**, GucSource) {
  return check_sid(value, kServiceSid, "twilio_messaging_service_sid");
}

// --- other strings --------------------------------------------------------------------------

bool check_path(char** value, void**, GucSource) {
  if ((*value)[0] == '\0' || is_absolute_path(*value)) return true;
  return refuse("It must be an absolute path, or empty.");
}

bool is_list_of_names(const char* value) {
  char* copy = pstrdup(value);
  List* names = NIL;
  const bool valid = SplitIdentifierString(copy, ',', &names);
  list_free(names);
  pfree(copy);
  return valid;
}

bool check_databases(char** value, void**, GucSource) {
  return is_list_of_names(*value) ||
         refuse("It must be '*' or a list of database names, separated by commas.");
}

bool check_roles(char** value, void**, GucSource) {
  return is_list_of_names(*value) || refuse("It must be a list of roles, separated by commas.");
}

bool check_countries(char** value, void**, GucSource) {
  char* copy = pstrdup(*value);
  List* names = NIL;
  bool valid = SplitIdentifierString(copy, ',', &names);
  ListCell* cell;
  foreach (cell, names) {
    const char* name = static_cast<const char*>(lfirst(cell));
    valid = valid && strlen(name) == 2 && isalpha(static_cast<unsigned char>(name[0])) != 0 &&
            isalpha(static_cast<unsigned char>(name[1])) != 0;
  }
  list_free(names);
  pfree(copy);
  return valid ||
         refuse("It must be a list of two-letter country codes (ISO 3166), separated by commas.");
}

// Checks the form only. Whether the function exists is known only in a database.
bool check_function(char** value, void**, GucSource) {
  const size_t length = strlen(*value);
  if (length == 0 || (strchr(*value, '(') != nullptr && (*value)[length - 1] == ')')) return true;
  return refuse("It must be a function with its argument types, as in public.is_org_member(uuid).");
}

// --- definitions ----------------------------------------------------------------------------

void define_int(const char* name, const char* description, int* variable, int initial, int minimum,
                int maximum, int flags) {
  DefineCustomIntVariable(name, description, nullptr, variable, initial, minimum, maximum,
                          PGC_SIGHUP, flags, nullptr, nullptr, nullptr);
}

void define_bool(const char* name, const char* description, bool* variable, bool initial) {
  DefineCustomBoolVariable(name, description, nullptr, variable, initial, PGC_SIGHUP, 0, nullptr,
                           nullptr, nullptr);
}

void define_string(const char* name, const char* description, char** variable, const char* initial,
                   int flags, GucStringCheckHook check) {
  DefineCustomStringVariable(name, description, nullptr, variable, initial, PGC_SIGHUP, flags,
                             check, nullptr, nullptr);
}

void define_limits() {
  define_int("coach_sms.max_in_flight", "Requests under way at once, for each database.",
             &max_in_flight, 256, 1, 10000, 0);
  define_int("coach_sms.max_in_flight_per_account",
             "Requests under way at once for one Twilio account.", &max_in_flight_per_account, 100,
             1, 10000, 0);
  define_int("coach_sms.batch_size", "Messages claimed in one transaction, at most.", &batch_size,
             200, 1, 10000, 0);
  define_int("coach_sms.max_attempts", "Attempts before a message that was never taken fails.",
             &max_attempts, 4, 1, 20, 0);
}

void define_times() {
  define_int("coach_sms.poll_interval", "Longest sleep of the sender.", &poll_interval,
             10 * kSecond, 10, kHour, GUC_UNIT_MS);
  define_int("coach_sms.request_timeout", "Longest time for one request to Twilio.",
             &request_timeout, 30 * kSecond, 10, 120 * kSecond, GUC_UNIT_MS);
  define_int("coach_sms.connect_timeout", "Longest time for connecting to Twilio.",
             &connect_timeout, 5 * kSecond, 10, 60 * kSecond, GUC_UNIT_MS);
  define_int("coach_sms.lease_duration",
             "How long a claim holds; at least request_timeout, twice connect_timeout and 5 s.",
             &lease_duration, 60 * kSecond, 100, kHour, GUC_UNIT_MS);
  define_int("coach_sms.retry_base_delay", "Delay before the first retry; doubles each time.",
             &retry_base_delay, 60 * kSecond, 1, kHour, GUC_UNIT_MS);
  define_int("coach_sms.retry_max_delay", "Longest delay between two attempts.", &retry_max_delay,
             kHour, 1, kDay, GUC_UNIT_MS);
  define_int("coach_sms.reconcile_delay",
             "Delay from an unknown outcome to the first search of Twilio's list.",
             &reconcile_delay, 60 * kSecond, 10, kDay, GUC_UNIT_MS);
  // A message appears in Twilio's list with a delay, normally of seconds. An absence that counts
  // sends the text again, so the default leaves minutes for longer delays.
  define_int("coach_sms.reconcile_limit",
             "How long after the lease a message's absence from Twilio's list counts.",
             &reconcile_limit, 15 * kMinute, 10, kDay, GUC_UNIT_MS);
  define_int("coach_sms.max_wait",
             "Longest time for which a due message waits; then it ends as expired.", &max_wait,
             7 * kDay / kSecond, kMinute / kSecond, 366 * (kDay / kSecond), GUC_UNIT_S);
}

void define_rules() {
  define_int("coach_sms.quiet_hours_spread",
             "Time over which messages that waited for the end of quiet hours leave.",
             &quiet_hours_spread, 5 * kMinute, 0, 4 * kHour, GUC_UNIT_MS);
  define_string("coach_sms.allowed_countries",
                "Countries whose numbers may be written to; empty: all.", &allowed_countries, "",
                GUC_LIST_INPUT, check_countries);
  define_bool("coach_sms.notify", "Whether NOTIFY is sent for final messages and inbound texts.",
              &notify, true);
}

void define_late_news() {
  define_int("coach_sms.fetch_delay",
             "After how long Twilio is polled about a message that is still sent; 0: never.",
             &fetch_delay, 10 * kMinute, 0, kDay, GUC_UNIT_MS);
  define_bool("coach_sms.fetch_prices", "Whether Twilio is polled about messages without a price.",
              &fetch_prices, false);
}

void define_twilio() {
  define_string("coach_sms.twilio_api_url", "URL of Twilio's API.", &twilio_api_url,
                "https://api.twilio.com", 0, check_api_url);
  define_string("coach_sms.twilio_account_sid",
                "Account of orgs without one; default: TWILIO_ACCOUNT_SID.", &account_sid_setting,
                "", 0, check_account_sid);
  define_string("coach_sms.twilio_auth_token_file",
                "File with that account's token; default: TWILIO_AUTH_TOKEN.",
                &twilio_auth_token_file, "", GUC_SUPERUSER_ONLY, check_path);
  define_string("coach_sms.twilio_phone_number",
                "Number, short code or name that orgs without a sender send from.",
                &twilio_phone_number, "", 0, check_sender);
  define_string("coach_sms.twilio_messaging_service_sid",
                "Messaging Service of orgs without a sender.", &twilio_messaging_service_sid, "", 0,
                check_service_sid);
}

void define_tenancy() {
  DefineCustomStringVariable(
      "coach_sms.tenancy_function",
      "Function that says which orgs a role belongs to, as in public.is_org_member(uuid).", nullptr,
      &tenancy_function, "", PGC_SUSET, 0, check_function, nullptr, nullptr);
  DefineCustomStringVariable(
      "coach_sms.jwt_authenticators",
      "Roles in whose sessions request.jwt.claims counts; used without a tenancy_function.",
      nullptr, &jwt_authenticators, "", PGC_SUSET, GUC_LIST_INPUT, check_roles, nullptr, nullptr);
}

void define_surroundings() {
  define_string("coach_sms.databases", "Databases that messages are sent from; '*' for all.",
                &databases, "*", GUC_LIST_INPUT, check_databases);
  define_string("coach_sms.proxy", "HTTP proxy between this server and Twilio.", &proxy, "",
                GUC_SUPERUSER_ONLY, check_web_url);
  define_string("coach_sms.ca_file", "Certificates to trust instead of the system's.", &ca_file, "",
                GUC_SUPERUSER_ONLY, check_path);
  define_string("coach_sms.key_file", "File with the key that seals tokens.", &key_file, "",
                GUC_SUPERUSER_ONLY, check_path);
  define_string("coach_sms.old_key_file",
                "File with the earlier key, while tokens are sealed anew.", &old_key_file, "",
                GUC_SUPERUSER_ONLY, check_path);
  define_string("coach_sms.public_url", "URL by which Twilio reaches the webhook.", &public_url, "",
                0, check_web_url);
  define_string("coach_sms.webapp_url", "URL of the application; default: WEBAPP_URL.",
                &webapp_url_setting, "", 0, check_web_url);
}

}  // namespace

const char* twilio_account_sid() {
  static const char* const from_environment =
      trimmed_copy(setting_or_environment("", "TWILIO_ACCOUNT_SID"));
  return account_sid_setting[0] != '\0' ? account_sid_setting : from_environment;
}

const char* webapp_url() {
  return setting_or_environment(webapp_url_setting, "WEBAPP_URL");
}

const char* twilio_auth_token_from_environment() {
  static const char* const from_environment =
      trimmed_copy(setting_or_environment("", "TWILIO_AUTH_TOKEN"));
  return taken_token != nullptr ? taken_token : from_environment;
}

int effective_lease_ms() {
  static int warned_of;
  const int needed = request_timeout + 2 * connect_timeout + kLeaseMargin;
  if (lease_duration >= needed) return lease_duration;
  if (warned_of != needed) {
    warned_of = needed;
    ereport(WARNING, (errmsg("coach_sms.lease_duration of %d ms is too short, using %d ms",
                             lease_duration, needed),
                      errhint("Set it to at least coach_sms.request_timeout plus "
                              "twice coach_sms.connect_timeout plus %d s.",
                              kLeaseMargin / kSecond)));
  }
  return needed;
}

bool country_is_allowed(const char* country) {
  if (allowed_countries[0] == '\0') return true;
  char* copy = pstrdup(allowed_countries);
  List* names = NIL;
  bool found = false;
  ListCell* cell;
  if (SplitIdentifierString(copy, ',', &names))
    foreach (cell, names)
      found = found || pg_strcasecmp(static_cast<const char*>(lfirst(cell)), country) == 0;
  list_free(names);
  pfree(copy);
  return found;
}

bool database_is_wanted(const char* name) {
  char* copy = pstrdup(databases);
  List* names = NIL;
  bool wanted = false;
  if (SplitIdentifierString(copy, ',', &names)) {
    for (int i = 0; i < list_length(names); i++) {
      const char* item = static_cast<const char*>(list_nth(names, i));
      wanted = wanted || strcmp(item, "*") == 0 || strcmp(item, name) == 0;
    }
  }
  list_free(names);
  pfree(copy);
  return wanted;
}

void define() {
  if (process_shared_preload_libraries_in_progress) take_token();
  defining = true;
  define_limits();
  define_times();
  define_rules();
  define_late_news();
  define_twilio();
  define_surroundings();
  define_tenancy();
  defining = false;
  MarkGUCPrefixReserved("coach_sms");
}

}  // namespace coach_sms::settings
