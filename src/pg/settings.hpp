#pragma once

// Every `coach_sms.*` setting, with its bounds, in one place. Times are milliseconds but for
// max_wait, which is seconds.
// They belong to the server's configuration (SIGHUP): nothing a session sets changes where or how
// messages are sent. But for the two that say who belongs to which org, which a superuser may set
// for a database too. Strings are never NULL; '' means "not set".

namespace coach_sms::settings {

extern char* databases;
extern int max_in_flight;
extern int max_in_flight_per_account;
extern int batch_size;
extern int poll_interval;
extern int request_timeout;
extern int connect_timeout;
extern int lease_duration;
extern int max_attempts;
extern int retry_base_delay;
extern int retry_max_delay;
extern int reconcile_delay;
extern int reconcile_limit;
extern int max_wait;  // read by sms_ends_at() of sql/install/10_tables/30_messages.sql
extern char* twilio_api_url;
extern char* twilio_auth_token_file;
extern char* twilio_phone_number;
extern char* twilio_messaging_service_sid;
extern char* proxy;
extern char* ca_file;
extern char* public_url;
extern char* key_file;
extern char* old_key_file;
extern char* allowed_countries;
extern int quiet_hours_spread;
extern int fetch_delay;
extern bool fetch_prices;
extern char* tenancy_function;
extern char* jwt_authenticators;

// Settings that fall back to the postmaster's environment: TWILIO_ACCOUNT_SID and WEBAPP_URL.
const char* twilio_account_sid();
const char* webapp_url();

// The token itself is never a setting, since a reload would log it. With no file configured, the
// postmaster's TWILIO_AUTH_TOKEN serves, which a preloaded library takes out of the environment; ''
// where there is none. Borrowed.
const char* twilio_auth_token_from_environment();

// The lease that claims really get: never shorter than a request can last plus a margin, so that
// a request cannot outlive its claim. Settings cannot check each other while they are being set,
// so this is where it is enforced; a warning is logged once for each combination that needed it.
int effective_lease_ms();

// Whether `coach_sms.allowed_countries` has this country (ISO 3166) or is empty.
bool country_is_allowed(const char* country);

// Whether `coach_sms.databases` names this database ('*' names them all).
bool database_is_wanted(const char* name);

// Defines the settings; called once from _PG_init.
void define();

}  // namespace coach_sms::settings
