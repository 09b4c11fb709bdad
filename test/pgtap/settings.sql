-- The settings: names, defaults, when they change, a description each; and which an ordinary role may not read.
BEGIN;
SELECT plan(9);

SELECT results_eq($$
  SELECT format('%s = %s%s, %s', name, quote_literal(boot_val), coalesce(' ' || unit, ''), context)
    FROM pg_settings WHERE name LIKE 'coach_sms.%' AND name <> 'coach_sms.failpoint' ORDER BY 1$$, ARRAY[
  'coach_sms.allowed_countries = '''', sighup',
  'coach_sms.batch_size = ''200'', sighup',
  'coach_sms.ca_file = '''', sighup',
  'coach_sms.connect_timeout = ''5000'' ms, sighup',
  'coach_sms.databases = ''*'', sighup',
  'coach_sms.fetch_delay = ''600000'' ms, sighup',
  'coach_sms.fetch_prices = ''off'', sighup',
  'coach_sms.jwt_authenticators = '''', superuser',
  'coach_sms.key_file = '''', sighup',
  'coach_sms.lease_duration = ''60000'' ms, sighup',
  'coach_sms.max_attempts = ''4'', sighup',
  'coach_sms.max_in_flight = ''256'', sighup',
  'coach_sms.max_in_flight_per_account = ''100'', sighup',
  'coach_sms.max_wait = ''604800'' s, sighup',
  'coach_sms.notify = ''on'', sighup',
  'coach_sms.old_key_file = '''', sighup',
  'coach_sms.poll_interval = ''10000'' ms, sighup',
  'coach_sms.proxy = '''', sighup',
  'coach_sms.public_url = '''', sighup',
  'coach_sms.quiet_hours_spread = ''300000'' ms, sighup',
  'coach_sms.reconcile_delay = ''60000'' ms, sighup',
  'coach_sms.reconcile_limit = ''900000'' ms, sighup',
  'coach_sms.request_timeout = ''30000'' ms, sighup',
  'coach_sms.retry_base_delay = ''60000'' ms, sighup',
  'coach_sms.retry_max_delay = ''3600000'' ms, sighup',
  'coach_sms.tenancy_function = '''', superuser',
  'coach_sms.twilio_account_sid = '''', sighup',
  'coach_sms.twilio_api_url = ''https://api.twilio.com'', sighup',
  'coach_sms.twilio_auth_token_file = '''', sighup',
  'coach_sms.twilio_messaging_service_sid = '''', sighup',
  'coach_sms.twilio_phone_number = '''', sighup',
  'coach_sms.webapp_url = '''', sighup'], 'the settings');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'coach_sms.%' AND name <> 'coach_sms.failpoint' AND coalesce(short_desc, '') !~ '^[A-Z].*[.]$'$$,
  'every setting says what it is in a sentence');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'coach_sms.%' AND name ~ 'token$|secret|password'$$,
  'no setting is a secret: a reload would log it');
SELECT throws_ok('SET coach_sms.batch_size = 1', '55P02', NULL, 'no session changes them');
SELECT throws_ok('SET coach_sms.no_such_setting = 1', '42602', NULL, 'a mistyped name is refused');

CREATE ROLE pgtap_plain;
GRANT USAGE ON SCHEMA tap TO pgtap_plain;
SET LOCAL ROLE pgtap_plain;
SELECT throws_ok('SHOW coach_sms.key_file', '42501', NULL, 'where the key is is nobody''s business');
SELECT throws_ok('SHOW coach_sms.twilio_auth_token_file', '42501', NULL, 'nor where the token is');
SELECT throws_ok('SHOW coach_sms.proxy', '42501', NULL, 'nor the proxy');
SELECT lives_ok('SHOW coach_sms.public_url', 'the others may be read');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
