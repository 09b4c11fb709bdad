-- sms_settings.twilio_auth_token_encrypted: sealed on every way in; and the key file.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
-- What is stored for each org: whether it is sealed, and whether the token can be seen.
CREATE TEMPORARY VIEW tokens AS
  SELECT right(org_id::text, 1) AS org, twilio_auth_token_encrypted ~ '^sms1:[0-9a-f]{8}:[A-Za-z0-9+/]+=*$' AS sealed,
         sms_settings::text LIKE '%secret%' AS seen
    FROM sms_settings ORDER BY org_id;

-- INSERT of one and of many, ON CONFLICT, UPDATE, UPDATE of another column, COPY.
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000001', 'secret 1');
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES
  ('10000000-0000-4000-8000-000000000002', 'secret 2'), ('10000000-0000-4000-8000-000000000003', NULL), ('10000000-0000-4000-8000-000000000004', '');
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) SELECT '10000000-0000-4000-8000-000000000005', repeat('secret ', 500);
SELECT * FROM tokens;
SELECT count(DISTINCT twilio_auth_token_encrypted) FROM sms_settings;
SELECT twilio_auth_token_encrypted AS before FROM sms_settings WHERE org_id = '10000000-0000-4000-8000-000000000001' \gset
UPDATE sms_settings SET enabled = true;
SELECT twilio_auth_token_encrypted = :'before' AS untouched FROM sms_settings WHERE org_id = '10000000-0000-4000-8000-000000000001';
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000001', 'secret 1')
  ON CONFLICT (org_id) DO UPDATE SET twilio_auth_token_encrypted = 'secret 1, by upsert';
SELECT twilio_auth_token_encrypted = :'before' AS untouched FROM sms_settings WHERE org_id = '10000000-0000-4000-8000-000000000001';
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000002', 'secret 2 again')
  ON CONFLICT (org_id) DO UPDATE SET twilio_auth_token_encrypted = excluded.twilio_auth_token_encrypted;
UPDATE sms_settings SET twilio_auth_token_encrypted = 'secret 3' WHERE org_id = '10000000-0000-4000-8000-000000000003';
UPDATE sms_settings SET twilio_auth_token_encrypted = '' WHERE org_id = '10000000-0000-4000-8000-000000000005';
COPY sms_settings (org_id, twilio_auth_token_encrypted) FROM stdin;
10000000-0000-4000-8000-000000000006	secret 6
10000000-0000-4000-8000-000000000007	\N
\.
SELECT * FROM tokens;
SELECT count(*) FROM sms_settings WHERE twilio_auth_token_encrypted = '';
-- Neither RETURNING nor a trigger of the application's own sees the token.
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000008', 'secret 8')
  RETURNING twilio_auth_token_encrypted LIKE 'sms1:%' AS sealed;
CREATE FUNCTION pg_temp.peep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE WARNING 'seen: %', left(NEW.twilio_auth_token_encrypted, 5);
  RETURN NEW;
END
$$;
CREATE TRIGGER a_peep BEFORE INSERT OR UPDATE ON sms_settings FOR EACH ROW EXECUTE FUNCTION pg_temp.peep();
UPDATE sms_settings SET twilio_auth_token_encrypted = 'secret 8 again' WHERE org_id = '10000000-0000-4000-8000-000000000008';
DROP TRIGGER a_peep ON sms_settings;
-- Replication does not go past it.
SET session_replication_role = replica;
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000009', 'secret 9');
RESET session_replication_role;
SELECT * FROM tokens WHERE org IN ('8', '9');
SELECT sms_set_twilio_credentials('10000000-0000-4000-8000-000000000009', 'AC9', 'secret 9 by the function');
SELECT * FROM tokens WHERE org = '9';

-- A sealed value passes unchanged, as a restore needs it; what only looks like one is sealed.
SELECT twilio_auth_token_encrypted AS sealed FROM sms_settings WHERE org_id = '10000000-0000-4000-8000-000000000001' \gset
UPDATE sms_settings SET twilio_auth_token_encrypted = :'sealed' WHERE org_id = '10000000-0000-4000-8000-000000000001'
  RETURNING twilio_auth_token_encrypted = :'sealed' AS unchanged;
DO $$
DECLARE
  v text;
  stored text;
BEGIN
  FOREACH v IN ARRAY ARRAY['sms1:', 'sms1:01234567:', 'sms1:01234567:c2VjcmV0', 'sms2:01234567:' || repeat('A', 60), 'sms1:0123456G:' || repeat('A', 60), 'sms1:01234567:' || repeat('A', 59) || '!'] LOOP
    UPDATE sms_settings SET twilio_auth_token_encrypted = v WHERE org_id = '10000000-0000-4000-8000-000000000007'
      RETURNING twilio_auth_token_encrypted INTO stored;
    RAISE WARNING '%', CASE WHEN stored = v THEN 'kept ' || v ELSE 'sealed' END;
  END LOOP;
END
$$;

-- Another org's value is kept and helps nobody: it does not open there. (Opening is the sender's; sms_doctor tries it.)
UPDATE sms_settings SET twilio_auth_token_encrypted = :'sealed', twilio_account_sid = 'AC1' WHERE org_id = '10000000-0000-4000-8000-000000000002';
DELETE FROM sms_settings WHERE org_id NOT IN ('10000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000002');
UPDATE sms_settings SET twilio_account_sid = 'AC1', twilio_phone_number = '+61412345678';
SELECT right(s.org_id::text, 1) AS org, t.problem, t.what_to_do
  FROM sms_settings s, coach_sms_internal.sms_check_token(s.org_id, s.twilio_auth_token_encrypted) AS t ORDER BY s.org_id;

-- What is too long to be a token. The error does not show it.
UPDATE sms_settings SET twilio_auth_token_encrypted = repeat('secret', 1000);
\echo :SQLSTATE
SELECT sms_set_twilio_credentials('10000000-0000-4000-8000-00000000000f', 'AC1', 'secret');
\echo :SQLSTATE

-- sms_create_key: a place of its own, outside of the data directory, never over another file.
\pset format unaligned
\pset tuples_only on
SELECT current_setting('coach_sms.key_file') AS key_file, current_setting('data_directory') AS data \gset
CREATE FUNCTION pg_temp.failure(path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  PERFORM sms_create_key(path);
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN replace(replace(format(E'%s %s\n  %s\n  %s', SQLSTATE, SQLERRM, detail, hint),
                   regexp_replace(current_setting('coach_sms.key_file'), '/[^/]*$', ''), '<folder>'),
           current_setting('data_directory'), '<data>');
END
$$;
SELECT pg_temp.failure(:'key_file');
SELECT pg_temp.failure('coach_sms.key');
SELECT pg_temp.failure('');
SELECT pg_temp.failure(:'data' || '/coach_sms.key');
SELECT pg_temp.failure(:'data' || '/base/../base/coach_sms.key');
SELECT pg_temp.failure(:'key_file' || '/below_a_file');
SELECT pg_temp.failure('/nowhere/coach_sms.key');
SELECT pg_temp.failure('/proc/coach_sms.key');
SELECT left(pg_temp.failure('/' || repeat('x', 2000)), 12);
SELECT sms_create_key(NULL) IS NULL;
CREATE ROLE regress_plain;
GRANT EXECUTE ON FUNCTION sms_create_key(text) TO regress_plain;
SET ROLE regress_plain;
SELECT sms_create_key('/tmp/coach_sms.key');
RESET ROLE;
DROP OWNED BY regress_plain;
DROP ROLE regress_plain;
\pset tuples_only off
\pset format aligned

-- Without a key file no token is written, and none is lost; all else works.
ALTER SYSTEM SET coach_sms.key_file = '';
SELECT pg_reload_conf();
\c -
\set SHOW_CONTEXT never
SELECT current_setting('coach_sms.key_file') = '' AS none;
UPDATE sms_settings SET twilio_auth_token_encrypted = 'secret';
\echo :SQLSTATE
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000003', 'secret');
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000003');
INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) VALUES ('10000000-0000-4000-8000-000000000004', '');
UPDATE sms_settings SET enabled = true;
UPDATE sms_settings SET twilio_auth_token_encrypted = :'sealed' WHERE org_id = '10000000-0000-4000-8000-000000000001';
SELECT right(org_id::text, 1) AS org, twilio_auth_token_encrypted IS NOT NULL AS has_token FROM sms_settings ORDER BY org_id;
SELECT sms_enqueue('10000000-0000-4000-8000-000000000003', to_phone => '+61491570006', body => 'the sandbox needs no key') IS NOT NULL AS ok;
SELECT * FROM sms_go_live();
\echo :SQLSTATE

-- A key file that is not there, and files that are no key.
ALTER SYSTEM SET coach_sms.key_file = '/nowhere/coach_sms.key';
SELECT pg_reload_conf();
\c -
\set SHOW_CONTEXT never
UPDATE sms_settings SET twilio_auth_token_encrypted = 'secret';
\echo :SQLSTATE
-- /dev/null, a file that everybody may read, one that is too short, too long, no hex, a link to the right one.
CREATE FUNCTION pg_temp.shell(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'cat > /dev/null; ' || command);
END
$$;
\set open :key_file .open
\set link :key_file .link
\set short :key_file .short
\set long :key_file .long
\set words :key_file .words
\set folder :key_file .folder
SELECT format('cd "$(dirname %1$s)" && umask 077 && cp %1$s %1$s.open && chmod 644 %1$s.open && ln -s %1$s %1$s.link && echo 00 > %1$s.short && cat %1$s %1$s > %1$s.long && tr a-f0-9 g-v < %1$s > %1$s.words && mkdir %1$s.folder', :'key_file') AS command \gset
SELECT pg_temp.shell(:'command');
CREATE PROCEDURE regress_try_to_seal() LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  UPDATE sms_settings SET twilio_auth_token_encrypted = 'secret';
  RAISE WARNING 'it was sealed';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE WARNING E'% %\n  %\n  %', SQLSTATE,
    replace(SQLERRM, regexp_replace(current_setting('coach_sms.key_file'), '/[^/]*$', ''), '<folder>'), detail, hint;
END
$$;
ALTER SYSTEM SET coach_sms.key_file = '/dev/null';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = '/etc/passwd';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'open';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'link';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'short';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'long';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'words';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = :'folder';
SELECT pg_reload_conf() \gset
\c -
CALL regress_try_to_seal();
ALTER SYSTEM SET coach_sms.key_file = 'relative/coach_sms.key';

DROP PROCEDURE regress_try_to_seal();

-- Another key: what the first one sealed stays, and does not open.
\set second :key_file .second
SET client_min_messages = warning;
SELECT length(sms_create_key(:'second')) AS id_length;
ALTER SYSTEM SET coach_sms.key_file = :'second';
SELECT pg_reload_conf();
\c -
\set SHOW_CONTEXT never
SELECT regexp_replace(problem, '[0-9a-f]{8}', '<id>', 'g') AS problem, regexp_replace(what_to_do, '[0-9a-f]{8}', '<id>', 'g') AS what_to_do
  FROM coach_sms_internal.sms_check_token('10000000-0000-4000-8000-000000000001', :'sealed');
UPDATE sms_settings SET enabled = true WHERE org_id = '10000000-0000-4000-8000-000000000001' RETURNING twilio_auth_token_encrypted = :'sealed' AS kept;
ALTER SYSTEM RESET coach_sms.key_file;
SELECT pg_reload_conf();
\c -
SELECT current_setting('coach_sms.key_file') = :'key_file' AS as_before;
