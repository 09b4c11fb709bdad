#pragma once

// Every `coach_sms.*` setting; settings.cpp has the bounds. Times are milliseconds, except
// max_wait, which is seconds. Strings are never nullptr; '' means "not set".
// All belong to the server's configuration (SIGHUP), so that no session changes where or how
// messages are sent. Two say which orgs a role belongs to: a superuser may set those for a database
// or a session too (SUSET).

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
extern int max_wait;  // seconds
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
extern bool notify;
extern char* tenancy_function;
extern char* jwt_authenticators;

// Return the setting, or else the postmaster's environment: TWILIO_ACCOUNT_SID and WEBAPP_URL.
const char* twilio_account_sid();
const char* webapp_url();

// Returns TWILIO_AUTH_TOKEN of the postmaster's environment, '' where there is none. It serves when
// no token file is configured. The string is borrowed. A preloaded library removes the token from
// the environment. The token is never a setting, since a reload would log it.
const char* twilio_auth_token_from_environment();

// Returns the lease of a claim in milliseconds: lease_duration, but at least request_timeout plus
// twice connect_timeout plus 5 s. So no request outlives its claim. PostgreSQL's settings cannot
// check each other while they are set, so the bound is enforced here. Logs a WARNING once for each
// minimum that is enforced.
int effective_lease_ms();

// Returns whether `coach_sms.allowed_countries` contains this country (two letters, ISO 3166) or is
// empty.
bool country_is_allowed(const char* country);

// Returns whether `coach_sms.databases` names this database. '*' names all.
bool database_is_wanted(const char* name);

// Defines the settings. _PG_init calls it once.
void define();

}  // namespace coach_sms::settings
