-- sms_grant_service: what the role of the applications backend may do, and what not.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
-- 'refused' for want of a privilege, else the SQLSTATE.
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'done!';
EXCEPTION WHEN OTHERS THEN
  RETURN CASE SQLSTATE WHEN '42501' THEN 'refused' ELSE SQLSTATE END;
END
$$;
CREATE ROLE regress_backend;
CREATE ROLE regress_stranger;
SELECT sms_grant_service('regress_backend');

-- The quick start, as that role.
SET SESSION AUTHORIZATION regress_backend;
INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number)
  VALUES ('10000000-0000-4000-8000-000000000001', 'AC1', 'secret', '+61412345678');
SELECT sms_set_twilio_credentials('10000000-0000-4000-8000-000000000001', 'AC1', 'secret');
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}}');
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hello {{name}}');
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '0491 570 006', template_key => 'hello', variables => '{"name": "Ann"}',
  idempotency_key => 'k') AS id \gset
SELECT ordinal, error_code FROM sms_enqueue_batch('[{"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "batch"}]');
SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', NULL, '+61491570006', 'hello', '{"name": "Bob"}') IS NOT NULL AS ok;
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'row');
INSERT INTO sms_messages (org_id, to_phone, body, status, scheduled_for, metadata, priority) VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'all of a row', 'pending', now(), '{"a": 1}', 2);
SELECT body, status FROM sms_messages ORDER BY body;
SELECT sms_reschedule(:'id', now() + interval '1 hour');
SELECT sms_cancel(:'id');
SELECT sms_retry(:'id') IS NOT NULL AS ok;
UPDATE sms_messages SET status = 'cancelled' WHERE body = 'row';
UPDATE sms_messages SET metadata = '{"b": 2}' WHERE body = 'all of a row';
SELECT queue_pending_sms();
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '0491 570 156') IS NOT NULL AS ok;
SELECT is_phone_suppressed('10000000-0000-4000-8000-000000000001', '0491 570 156');
SELECT sms_opt_in('10000000-0000-4000-8000-000000000001', '0491 570 156');
INSERT INTO sms_suppression (org_id, phone) VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 157');
SELECT body, segments FROM sms_preview('10000000-0000-4000-8000-000000000001', 'hello', '{"name": "Ann"}');
SELECT (sms_segments('x')).segments, sms_smart_encode('‘x’'), sms_normalize_phone('0491570006'), render_sms_template('{{a}}', '{"a": 1}');
UPDATE sms_settings SET quiet_hours_start = 20;
UPDATE sms_templates SET is_active = false WHERE version = 1;
INSERT INTO sms_schedules (org_id, type, mins_offset, template_key) VALUES ('10000000-0000-4000-8000-000000000001', 'pre_session', 60, 'hello');
SELECT (SELECT count(*) FROM sms_attempts) AS attempts, (SELECT count(*) FROM sms_events) AS events;
-- The token is there, and nobody reads it.
SELECT twilio_auth_token_encrypted LIKE 'sms1:%' AS sealed, sms_settings::text LIKE '%secret%' AS seen FROM sms_settings;

-- What it may not do.
SELECT statement, pg_temp.try(statement)
  FROM unnest(ARRAY[
    'SELECT * FROM coach_sms_internal.sms_queue', 'SELECT * FROM coach_sms_internal.sms_in_flight', 'SELECT * FROM coach_sms_internal.sms_server', 'SELECT * FROM sms_opt_outs',
    'INSERT INTO coach_sms_internal.sms_queue SELECT * FROM coach_sms_internal.sms_queue', 'DELETE FROM coach_sms_internal.sms_queue', 'UPDATE coach_sms_internal.sms_server SET mode = ''live''',
    'UPDATE sms_messages SET status = ''delivered''', 'UPDATE sms_messages SET to_phone = ''+61491570156''', 'UPDATE sms_messages SET body = ''x''',
    'UPDATE sms_messages SET sandbox = false', 'UPDATE sms_messages SET org_id = org_id', 'DELETE FROM sms_messages', 'TRUNCATE sms_messages',
    'INSERT INTO sms_messages (org_id, to_phone, body, segments) VALUES (''10000000-0000-4000-8000-000000000001'', ''1'', ''x'', 1)',
    'INSERT INTO sms_messages (org_id, to_phone, body, sandbox) VALUES (''10000000-0000-4000-8000-000000000001'', ''1'', ''x'', false)',
    'INSERT INTO sms_messages (org_id, to_phone, body, created_at) VALUES (''10000000-0000-4000-8000-000000000001'', ''1'', ''x'', now())',
    'INSERT INTO sms_messages (org_id, to_phone, body, status) VALUES (''10000000-0000-4000-8000-000000000001'', ''+61491570006'', ''x'', ''sent'')',
    'INSERT INTO sms_attempts SELECT * FROM sms_attempts', 'UPDATE sms_attempts SET status = ''success''', 'DELETE FROM sms_attempts',
    'INSERT INTO sms_events SELECT * FROM sms_events', 'UPDATE sms_events SET processed_at = now()', 'DELETE FROM sms_events', 'TRUNCATE sms_settings',
    'SELECT sms_go_live()', 'SELECT sms_go_sandbox()', 'SELECT coach_sms_internal.sms_arm(true)', 'SELECT coach_sms_internal.sms_rebuild_queue(true)', 'SELECT coach_sms_internal.sms_enqueue_waiting(true)',
    'SELECT sms_create_key(''/tmp/coach_sms.key'')', 'SELECT sms_grant_service(''regress_stranger'')', 'SELECT sms_revoke_service(''regress_backend'')',
    'SELECT sms_wake_sender()', 'SELECT sms_detach_worker()', 'SELECT coach_sms_internal.sms_poke_launcher()', 'SELECT coach_sms_internal.sms_cancel_waiting(''{}'', ''x'', ''x'')',
    'SELECT coach_sms_internal.sms_note_due(''10000000-0000-4000-8000-000000000001'', '''', 0::smallint, now())', 'SELECT coach_sms_internal.sms_system_identifier()', 'SELECT coach_sms_internal.sms_own_functions(NULL)',
    'ALTER TABLE sms_messages DISABLE TRIGGER ALL', 'DROP TABLE coach_sms_internal.sms_queue', 'CREATE TRIGGER t BEFORE INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_touch()',
    'SET ROLE coach_sms_owner', 'SET coach_sms.key_file = ''''', 'SHOW coach_sms.key_file', 'DROP EXTENSION coach_sms',
    'SET session_replication_role = replica']) AS statement;
RESET SESSION AUTHORIZATION;
SELECT body, to_phone, status FROM sms_messages ORDER BY id;

-- A role without anything may nothing at all.
SET SESSION AUTHORIZATION regress_stranger;
SELECT pg_temp.try('SELECT 1');
SELECT statement, pg_temp.try(statement)
  FROM unnest(ARRAY['SELECT * FROM sms_messages', 'SELECT * FROM sms_settings', 'SELECT * FROM sms_templates', 'SELECT * FROM sms_suppression',
    'SELECT sms_enqueue(NULL)', 'SELECT sms_enqueue_batch(''[]'')', 'SELECT sms_cancel(NULL)', 'SELECT sms_segments(''x'')',
    'SELECT sms_uuidv7()', 'SELECT is_phone_suppressed(''10000000-0000-4000-8000-000000000001'', ''+61491570006'')']) AS statement;
RESET SESSION AUTHORIZATION;
SELECT count(*) AS functions_for_anybody FROM pg_proc WHERE probin LIKE '%coach_sms%' AND has_function_privilege('regress_stranger', oid, 'EXECUTE');

-- A name that needs quotes works too; no other schema's tables are touched.
CREATE ROLE "regress Back'End";
SELECT sms_grant_service('"regress Back''End"');
SELECT has_function_privilege('regress Back''End', 'sms_cancel(uuid, text)', 'EXECUTE');
SELECT sms_revoke_service('"regress Back''End"');
SELECT sms_grant_service('regress_nobody');

-- Taken back, nothing is left but USAGE on the schema.
SELECT sms_revoke_service('regress_backend');
SET SESSION AUTHORIZATION regress_backend;
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '0491 570 006', body => 'x');
SELECT count(*) FROM sms_messages;
RESET SESSION AUTHORIZATION;
SELECT objid::regclass AS left_over FROM pg_shdepend
 WHERE refobjid IN ('regress_backend'::regrole, '"regress Back''End"'::regrole) AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
   AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
REVOKE USAGE ON SCHEMA public FROM regress_backend, "regress Back'End";
DROP ROLE regress_backend, "regress Back'End", regress_stranger;
