-- Senders, SIDs and tokens on their way in: put into their one form, refused, or stored with a warning.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
\set org 10000000-0000-4000-8000-000000000001

-- Numbers by the org's region, short codes, names.
INSERT INTO sms_settings (org_id, default_region, twilio_phone_number)
  SELECT ('20000000-0000-4000-8000-0000000000' || 10 + ordinality)::uuid, v[1], v[2]
    FROM unnest(ARRAY['AU|0400 000 001', 'US|(415) 555-2671', 'DE|89045', 'IT|890451', 'AU|+61400000001', 'AU|Peak-Fit',
                      'AU| Peak Fit ', 'AU|', 'AU|   ', E'AU|\u00a0\u200b', E'GB|\u00a007700 900123\u00a0'])
         WITH ORDINALITY AS t (line, ordinality), LATERAL string_to_array(line, '|') v;
SELECT default_region, twilio_phone_number FROM sms_settings ORDER BY org_id;

-- What can be none.
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES (:'org', 'A name of 20 letters');
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES (:'org', '+0400000001');
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES (:'org', 'Peak.Fit');
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES (:'org', '12');
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES (:'org', 'MG0123456789abcdef0123456789abcdef');
INSERT INTO sms_settings (org_id) VALUES (:'org');
UPDATE sms_settings SET twilio_phone_number = 'whatsapp:+61400000001' WHERE org_id = :'org';
COPY sms_settings (org_id, twilio_phone_number) FROM stdin;
20000000-0000-4000-8000-000000000099	+61 400 000 001 000 000
\.
SELECT twilio_phone_number IS NULL AS unchanged FROM sms_settings WHERE org_id = :'org';

-- A sender of a message's own.
INSERT INTO sms_messages (org_id, to_phone, from_phone, body) VALUES
  (:'org', '+61491570006', ' 0400 000 002 ', 'number'), (:'org', '+61491570006', '89045', 'short code'), (:'org', '+61491570006', ' ', 'blank');
SELECT body, from_phone FROM sms_messages ORDER BY body;
INSERT INTO sms_messages (org_id, to_phone, from_phone, body) VALUES (:'org', '+61491570006', 'Peak.Fit', 'refused');

-- SIDs are trimmed; one that can be none is stored, with a warning.
UPDATE sms_settings SET twilio_account_sid = E'\u00a0AC0123456789abcdef0123456789abcdef\r\n', twilio_messaging_service_sid = ' MG0123456789abcdef0123456789abcdef ' WHERE org_id = :'org';
SELECT twilio_account_sid, twilio_messaging_service_sid FROM sms_settings WHERE org_id = :'org';
UPDATE sms_settings SET twilio_account_sid = 'AC...', twilio_messaging_service_sid = 'AC0123456789abcdef0123456789abcdef' WHERE org_id = :'org';
SELECT check_name, problem, what_to_do FROM sms_doctor() WHERE check_name = 'sids';
UPDATE sms_settings SET twilio_account_sid = ' ', twilio_messaging_service_sid = '' WHERE org_id = :'org';
SELECT twilio_account_sid IS NULL AS no_account, twilio_messaging_service_sid IS NULL AS no_service FROM sms_settings WHERE org_id = :'org';
SELECT sms_set_twilio_credentials(:'org', ' AC0123456789abcdef0123456789abcdef ', E'\ufeff \n');
SELECT twilio_account_sid, twilio_auth_token_encrypted IS NULL AS no_token FROM sms_settings WHERE org_id = :'org';
SELECT sms_set_twilio_credentials(:'org', 'AC...', 'token');

-- A token read from a file with its newline checks signatures as the token does.
SELECT sms_validate_twilio_signature(token, 'https://mycompany.com/myapp.php?foo=1&bar=2',
         'CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212', 'GvWf1cFY/Q7PnoempGyD5oXAezc=') AS valid
  FROM unnest(ARRAY['12345', E'12345\n', E'\ufeff12345\r\n', '123 45']) t (token);

-- The server's settings. They are no org's: a number begins with +.
ALTER SYSTEM SET coach_sms.twilio_phone_number = '0400 000 001';
ALTER SYSTEM SET coach_sms.twilio_phone_number = 'A name of 20 letters';
ALTER SYSTEM SET coach_sms.twilio_account_sid = 'AC...';
ALTER SYSTEM SET coach_sms.twilio_messaging_service_sid = 'MG 1';
ALTER SYSTEM SET coach_sms.twilio_phone_number = ' +61 400 000 001 ';
SELECT pg_reload_conf();
\c -
SELECT name, setting FROM pg_settings WHERE name LIKE 'coach_sms.twilio\_%' AND name ~ 'sid|number' ORDER BY name;
SELECT check_name, problem, what_to_do FROM sms_doctor() WHERE check_name LIKE 'server\_%' ORDER BY check_name;
ALTER SYSTEM SET coach_sms.twilio_account_sid = ' AC0123456789abcdef0123456789abcdef ';
ALTER SYSTEM SET coach_sms.twilio_messaging_service_sid = '  ';
ALTER SYSTEM SET coach_sms.twilio_phone_number = ' 89045';
SELECT pg_reload_conf();
\c -
SELECT name, setting FROM pg_settings WHERE name LIKE 'coach_sms.twilio\_%' AND name ~ 'sid|number' ORDER BY name;
ALTER SYSTEM RESET coach_sms.twilio_account_sid;
ALTER SYSTEM RESET coach_sms.twilio_messaging_service_sid;
ALTER SYSTEM RESET coach_sms.twilio_phone_number;
SELECT pg_reload_conf();
-- A restored row keeps a sender that an earlier version took: created_at distinguishes it from a new one.
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES ('90000000-0000-4000-8000-000000000001', 'far too long a name');
INSERT INTO sms_settings (org_id, twilio_phone_number, created_at) VALUES ('90000000-0000-4000-8000-000000000001', 'far too long a name', now() - interval '1 day');
SELECT twilio_phone_number FROM sms_settings WHERE org_id = '90000000-0000-4000-8000-000000000001';
