-- Sandbox and live: the row, the file, and the queue that is derived anew.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
UPDATE sms_settings SET max_sms_per_client_per_day = NULL, quiet_hours_start = NULL;   -- no limits, no quiet hours
SELECT key || system_identifier || '.' || oid AS file, key || oid AS old_file
  FROM pg_database, pg_control_system(), concat(current_setting('coach_sms.key_file'), '.live.') key WHERE datname = current_database() \gset
CREATE TEMPORARY VIEW messages AS
  SELECT m.body, m.status, m.sandbox, m.error_code, q.message_id IS NOT NULL AS waits, f.state AS in_flight
    FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id LEFT JOIN coach_sms_internal.sms_in_flight f ON f.message_id = m.id ORDER BY m.id;
CREATE FUNCTION pg_temp.message(body text, status text DEFAULT 'queued', scheduled_for timestamptz DEFAULT now()) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  made uuid := sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => body, scheduled_for => scheduled_for);
BEGIN
  IF status NOT IN ('pending', 'queued') THEN
    DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = made;
    SET LOCAL ROLE coach_sms_owner;
    UPDATE sms_messages m SET status = message.status WHERE m.id = made;
    RESET ROLE;
  END IF;
END
$$;

-- A new database is a sandbox, and its messages are marked.
SELECT * FROM sms_mode();
SELECT pg_stat_file(:'file', missing_ok => true) IS NULL AS no_file;
SELECT pg_temp.message('sandbox ' || s, s) FROM unnest(ARRAY['pending', 'queued', 'sending', 'unknown', 'sent', 'delivered', 'failed', 'cancelled']) AS s;
SELECT pg_temp.message('sandbox, later', 'pending', now() + interval '1 day');

-- sms_go_live: nothing changes where it fails or rolls back.
BEGIN;
SELECT * FROM sms_go_live();
SELECT * FROM sms_mode();
ROLLBACK;
SELECT * FROM sms_mode();
SELECT count(*) FROM messages WHERE error_code IS NOT NULL;

-- It warns where nothing can be sent, cancels what the sandbox had waiting, and writes the file.
SELECT * FROM sms_go_live();
SELECT * FROM sms_mode();
SELECT * FROM messages;
SELECT error_message FROM sms_messages WHERE body = 'sandbox queued';
SELECT s.mode, s.changed_by = session_user AS by_me, pg_read_file(:'file') ~ ('^' || s.arm_id || E' [0-9]+\n$') AS file_names_the_row FROM coach_sms_internal.sms_server s;
DELETE FROM sms_messages;
UPDATE sms_settings SET twilio_account_sid = 'AC1', twilio_auth_token_encrypted = 'token', twilio_phone_number = '+61412345678';

-- Again: the same arming, and a queue that is whole already.
SELECT arm_id FROM coach_sms_internal.sms_server \gset
SELECT pg_temp.message('live');
SELECT * FROM sms_go_live();
SELECT arm_id = :'arm_id' AS same FROM coach_sms_internal.sms_server;
SELECT * FROM messages;

-- As a copy finds them, without queue rows and claims: waiting ones wait again, those under way are unknown.
SELECT pg_temp.message('live ' || s, s) FROM unnest(ARRAY['queued', 'sending', 'unknown', 'sent', 'delivered', 'failed', 'cancelled']) AS s;
SELECT pg_temp.message('live, later', 'pending', now() + interval '1 day');
DELETE FROM coach_sms_internal.sms_queue;
SELECT * FROM sms_go_live();
SELECT * FROM messages;
SELECT count(*) FROM coach_sms_internal.sms_queue q JOIN sms_messages m ON m.id = q.message_id
 WHERE q.due_at >= m.scheduled_for AND q.org_id = m.org_id AND q.priority = m.priority;
SELECT f.state, f.attempt_number, f.segments, f.client_key, f.lease_until <= now() AS lease_is_over, f.next_look_at > now() AS looked_at_later, f.settlement
  FROM coach_sms_internal.sms_in_flight f JOIN sms_messages m ON m.id = f.message_id ORDER BY m.id;
-- A claim of a running sender is left alone.
UPDATE coach_sms_internal.sms_in_flight f SET state = 'leased', fence = 42 FROM sms_messages m WHERE m.id = f.message_id AND m.body = 'live sending';
SELECT * FROM sms_go_live();
SELECT m.body, f.state, f.fence = 42 AS same_claim FROM coach_sms_internal.sms_in_flight f JOIN sms_messages m ON m.id = f.message_id ORDER BY m.id;

-- sms_go_sandbox: live messages wait for the next sms_go_live; the file goes at commit.
BEGIN;
SELECT * FROM sms_go_sandbox();
SELECT * FROM sms_mode();
ROLLBACK;
SELECT * FROM sms_mode();
SELECT count(*) FROM coach_sms_internal.sms_queue;
SELECT * FROM sms_go_sandbox();
SELECT * FROM sms_mode();
SELECT pg_stat_file(:'file', missing_ok => true) IS NULL AS no_file;
SELECT * FROM messages WHERE status IN ('pending', 'queued');
SELECT pg_temp.message('of the sandbox');
SELECT pg_temp.message('of the sandbox, under way', 'sending');
SELECT * FROM sms_go_sandbox();
SELECT * FROM messages WHERE sandbox;
SELECT * FROM sms_go_live();
SELECT * FROM messages WHERE waits OR sandbox;

-- What makes a server not armed, and so send nothing: another file, none, another server, another database, no row.
CREATE FUNCTION pg_temp.mode() RETURNS text LANGUAGE sql AS $$
  SELECT mode || coalesce(': ' || replace(reason, concat(current_setting('coach_sms.key_file'), '.live.', s.system_identifier, '.', d.oid), '<key file>.live.<system>.<oid>'), '')
    FROM sms_mode(), pg_control_system() s, pg_database d WHERE d.datname = current_database()
$$;
SELECT pg_temp.mode();
SELECT format('COPY (SELECT gen_random_uuid()) TO PROGRAM %L', 'cat > ' || :'file') AS command \gset
:command;
SELECT pg_temp.mode();
SELECT format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; chmod 644 ' || :'file') AS command \gset
:command;
SELECT pg_temp.mode();
SELECT format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; rm ' || :'file') AS command \gset
:command;
SELECT pg_temp.mode();
SELECT pg_temp.message('while not armed');
SELECT * FROM messages WHERE body = 'while not armed';
SELECT queued, cancelled, unknown FROM sms_go_live();
SELECT pg_temp.mode();
BEGIN;
UPDATE coach_sms_internal.sms_server SET system_identifier = 1;
SELECT pg_temp.mode();
UPDATE coach_sms_internal.sms_server SET system_identifier = coach_sms_internal.sms_system_identifier(), database_oid = 1;
SELECT pg_temp.mode();
DELETE FROM coach_sms_internal.sms_server;
SELECT pg_temp.mode();
SELECT pg_temp.message('while there is no row');
SELECT body, status, sandbox, waits FROM messages WHERE body = 'while there is no row';
SELECT * FROM sms_go_live();
SELECT pg_temp.mode();
ROLLBACK;
INSERT INTO coach_sms_internal.sms_server SELECT * FROM coach_sms_internal.sms_server;
SELECT * FROM sms_go_sandbox();

-- The name that 0.1.0 gave the file, which other servers' databases had too: taken over where it holds this row's id, and else left alone and reported.
CREATE FUNCTION pg_temp.shell(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > /dev/null; ' || command);
END
$$;
CREATE FUNCTION pg_temp.old_file() RETURNS TABLE (level text, problem text, what_to_do text) LANGUAGE sql AS $$
  SELECT d.level, regexp_replace(d.problem, '"/.*\.live\.\d+"', '"<key file>.live.<oid>"'), d.what_to_do FROM sms_doctor() d WHERE d.check_name = 'live_file'
$$;
SELECT * FROM sms_go_live();
SELECT pg_temp.shell(format('mv %L %L', :'file', :'old_file'));
SELECT pg_temp.mode();
SELECT pg_stat_file(:'old_file', true) IS NULL AS taken_over, pg_read_file(:'file') LIKE arm_id || '%' AS is_ours FROM coach_sms_internal.sms_server;
SELECT pg_temp.shell(format('umask 077; echo %s 1 > %L', gen_random_uuid(), :'old_file'));
SELECT pg_temp.mode();
SELECT pg_temp.shell(format('rm %L', :'file'));
SELECT pg_temp.mode();
SELECT * FROM sms_go_live();
SELECT pg_temp.mode();
SELECT queued FROM sms_go_sandbox();
SELECT pg_stat_file(:'file', true) IS NULL AS no_file, (pg_stat_file(:'old_file', true)).size IS NOT NULL AS others_is_there;
SELECT * FROM pg_temp.old_file();
-- Ours, and no proof for a copy: not another server's, not another database's.
SELECT pg_temp.shell(format('echo %s 1 > %L', arm_id, :'old_file')) FROM coach_sms_internal.sms_server;
SELECT pg_temp.mode();
UPDATE coach_sms_internal.sms_server SET mode = 'live', system_identifier = 1;
SELECT pg_temp.mode();
UPDATE coach_sms_internal.sms_server SET system_identifier = coach_sms_internal.sms_system_identifier(), database_oid = 1;
SELECT pg_temp.mode();
UPDATE coach_sms_internal.sms_server SET database_oid = (SELECT oid FROM pg_database WHERE datname = current_database());
-- Half of it, or open to others, it proves nothing.
SELECT pg_temp.shell(format('chmod 644 %L', :'old_file'));
SELECT pg_temp.mode();
SELECT pg_temp.shell(format('chmod 600 %L; echo %s > %L', :'old_file', arm_id, :'old_file')) FROM coach_sms_internal.sms_server;
SELECT pg_temp.mode();
-- Going to the sandbox takes it over first, and so removes it.
SELECT pg_temp.shell(format('echo %s 1 > %L', arm_id, :'old_file')) FROM coach_sms_internal.sms_server;
SELECT queued FROM sms_go_sandbox();
SELECT pg_stat_file(:'file', true) IS NULL AND pg_stat_file(:'old_file', true) IS NULL AS no_file;
SELECT * FROM pg_temp.old_file();
