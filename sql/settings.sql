-- Settings that make no sense are refused where they are set: the server keeps the good ones.
\set SHOW_CONTEXT never
ALTER SYSTEM SET coach_sms.twilio_api_url = '';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'http://api.twilio.com';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'ftp://api.twilio.com';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'https://user:token@api.twilio.com';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'https://api.twilio.com?x=1';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'https://api.twilio.com:port';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'https://';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'http://127.0.0.1.example.com';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'http://localhost@example.com';
ALTER SYSTEM SET coach_sms.public_url = 'example.com/webhook';
ALTER SYSTEM SET coach_sms.public_url = E'https://example.com/\tx';
ALTER SYSTEM SET coach_sms.proxy = 'socks5://127.0.0.1';
ALTER SYSTEM SET coach_sms.webapp_url = 'javascript:alert(1)';
ALTER SYSTEM SET coach_sms.ca_file = 'ca.pem';
ALTER SYSTEM SET coach_sms.twilio_auth_token_file = '../token';
ALTER SYSTEM SET coach_sms.max_attempts = 0;
ALTER SYSTEM SET coach_sms.max_attempts = 21;
ALTER SYSTEM SET coach_sms.batch_size = 0;
-- PostgreSQL 17 writes the unit of each number of the range.
\set VERBOSITY sqlstate
ALTER SYSTEM SET coach_sms.request_timeout = '3 min';
ALTER SYSTEM SET coach_sms.request_timeout = '-1 s';
\set VERBOSITY default
ALTER SYSTEM SET coach_sms.lease_duration = 'long';
ALTER SYSTEM SET coach_sms.databases = 'a,,b';
SET coach_sms.no_such_setting = 'x';

-- Good ones.
ALTER SYSTEM SET coach_sms.twilio_api_url = 'https://api.ie1.twilio.com:443/base';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'http://[::1]:8080';
ALTER SYSTEM SET coach_sms.twilio_api_url = 'http://127.0.0.2:8080';
ALTER SYSTEM SET coach_sms.public_url = 'https://example.com/rpc/sms';
ALTER SYSTEM SET coach_sms.webapp_url = '';
ALTER SYSTEM SET coach_sms.request_timeout = '45s';
SELECT pg_reload_conf();
\c -
SELECT name, setting, unit FROM pg_settings WHERE name IN ('coach_sms.twilio_api_url', 'coach_sms.public_url', 'coach_sms.request_timeout') ORDER BY name;
ALTER SYSTEM RESET coach_sms.twilio_api_url;
ALTER SYSTEM RESET coach_sms.public_url;
ALTER SYSTEM RESET coach_sms.webapp_url;
ALTER SYSTEM RESET coach_sms.request_timeout;
SELECT pg_reload_conf();
\c -
SELECT name, setting, unit FROM pg_settings WHERE name IN ('coach_sms.twilio_api_url', 'coach_sms.public_url', 'coach_sms.request_timeout') ORDER BY name;
